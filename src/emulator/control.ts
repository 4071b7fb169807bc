import { Hono, type Context } from "hono";
import { parseFields } from "./control/fields.ts";
import { createIdentityControl } from "./control/identities.ts";
import type { Entra } from "./entra.ts";
import { parseFault } from "./fault.ts";
import type { Steering } from "./front.ts";
import type { Imds } from "./imds.ts";
import type { Kubernetes } from "./kubernetes.ts";
import type { Handler } from "./listener.ts";
import type { Network } from "./network.ts";
import type { Nmi } from "./nmi.ts";
import type { Counters } from "./tally.ts";
import type { TokenProxy } from "./token-proxy.ts";
import type { Vaults } from "./vault.ts";

/** What all parts were asked since the last reset. */
export interface AllCounters {
  readonly vaults: Readonly<Record<string, Counters>>;
  readonly entra: Counters;
  readonly kubernetes: Counters;
  readonly tokenProxy: Counters;
  readonly imds: Counters;
  readonly nmi: Counters;
}

export interface Parts {
  readonly vaults: Vaults;
  readonly entra: Entra;
  readonly kubernetes: Kubernetes;
  /** Behind the Kubernetes API's port. */
  readonly tokenProxy: TokenProxy;
  readonly imds: Imds;
  readonly nmi: Nmi;
  readonly network: Network;
}

export function countersOf({ vaults, entra, kubernetes, tokenProxy, imds, nmi }: Parts): AllCounters {
  return {
    vaults: Object.fromEntries(vaults.all().map(({ name, tally }) => [name, tally.counters()])),
    entra: entra.tally.counters(),
    kubernetes: kubernetes.tally.counters(),
    tokenProxy: tokenProxy.tally.counters(),
    imds: imds.tally.counters(),
    nmi: nmi.tally.counters(),
  };
}

export function resetCounters({ vaults, entra, kubernetes, tokenProxy, imds, nmi }: Parts): void {
  for (const { tally } of [...vaults.all(), entra, kubernetes, tokenProxy, imds, nmi]) tally.reset();
}

/** For another process that watches or steers the emulator. A command is answered 204, or 400 and what is wrong with it. */
export function createControl(parts: Parts): Handler {
  const { vaults, entra, kubernetes, tokenProxy, imds, nmi, network } = parts;
  const app = new Hono()
    .get("/counters", (c) => c.json(countersOf(parts)))
    .post("/reset", () => {
      resetCounters(parts);
      return done();
    })
    .post("/rtt/:ms", (c) => {
      network.rttMs = parseMilliseconds(c.req.param("ms"));
      return done();
    })
    .put("/kubernetes/secret-sync", () => {
      kubernetes.rights.grantSecretSync(true);
      return done();
    })
    .delete("/kubernetes/secret-sync", () => {
      kubernetes.rights.grantSecretSync(false);
      return done();
    })
    .put("/vaults/:name/secrets/:secret", async (c) => {
      vaults.named(c.req.param("name")).setSecret(c.req.param("secret"), await c.req.text());
      return done();
    })
    .put("/vaults/:name/certificates/:certificate", async (c) => {
      const { name, certificate } = c.req.param();
      await vaults.named(name).createCertificate(certificate, parseFields(await c.req.json(), { subject: "text?" }));
      return done();
    })
    .route(
      "/vaults/:name",
      createSteering((name) => vaults.named(name)),
    )
    .route("/", createIdentityControl(parts))
    .onError((error, c) => c.text(error.message, 400));
  const steered = { entra, "token-proxy": tokenProxy, imds, nmi };
  for (const [name, part] of Object.entries(steered))
    app.route(
      `/${name}`,
      createSteering(() => part),
    );
  return (request) => app.fetch(request);
}

/** The commands that slow a part down and give it faults. */
function createSteering(part: (name: string) => Steering): Hono {
  const steered = (c: Context): Steering => part(c.req.param("name") ?? "");
  const app = new Hono();
  app
    .post("/latency/:ms", (c) => {
      steered(c).setLatency(parseMilliseconds(c.req.param("ms")));
      return done();
    })
    .post("/faults", async (c) => {
      steered(c).misbehave(parseFault(await c.req.json()));
      return done();
    })
    .delete("/faults", (c) => {
      steered(c).behave();
      return done();
    });
  return app;
}

function parseMilliseconds(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is not a number of milliseconds`);
  return Number(text);
}

function done(): Response {
  return new Response(null, { status: 204 });
}
