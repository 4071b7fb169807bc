import { Hono, type Context } from "hono";
import type { Entra } from "./entra.ts";
import { parseFault } from "./fault.ts";
import type { Steering } from "./front.ts";
import type { Kubernetes } from "./kubernetes.ts";
import type { Handler } from "./listener.ts";
import type { Network } from "./network.ts";
import type { Counters } from "./tally.ts";
import type { Vaults } from "./vault.ts";

/** What all parts were asked since the last reset. */
export interface AllCounters {
  readonly vaults: Readonly<Record<string, Counters>>;
  readonly entra: Counters;
  readonly kubernetes: Counters;
}

export interface Parts {
  readonly vaults: Vaults;
  readonly entra: Entra;
  readonly kubernetes: Kubernetes;
  readonly network: Network;
}

export function countersOf({ vaults, entra, kubernetes }: Parts): AllCounters {
  return {
    vaults: Object.fromEntries(vaults.all().map(({ name, tally }) => [name, tally.counters()])),
    entra: entra.tally.counters(),
    kubernetes: kubernetes.tally.counters(),
  };
}

export function resetCounters({ vaults, entra, kubernetes }: Parts): void {
  for (const { tally } of [...vaults.all(), entra, kubernetes]) tally.reset();
}

/** For another process that watches or steers the emulator. Each command answers 204, or 400 and what is wrong with it. */
export function createControl(parts: Parts): Handler {
  const { vaults, entra, kubernetes, network } = parts;
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
    .route(
      "/vaults/:name",
      createSteering((name) => vaults.named(name)),
    )
    .route(
      "/entra",
      createSteering(() => entra),
    )
    .onError((error, c) => c.text(error.message, 400));
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
