import { Hono } from "hono";
import type { Entra } from "./entra.ts";
import type { Kubernetes } from "./kubernetes.ts";
import type { Handler } from "./listener.ts";
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

/** For another process that watches or steers the emulator: counters, secrets of a vault, how slow it is. */
export function createControl(parts: Parts): Handler {
  const app = new Hono()
    .get("/counters", (c) => c.json(countersOf(parts)))
    .post("/reset", (c) => {
      resetCounters(parts);
      return c.body(null, 204);
    })
    .put("/vaults/:name/secrets/:secret", async (c) => {
      parts.vaults.named(c.req.param("name")).setSecret(c.req.param("secret"), await c.req.text());
      return c.body(null, 204);
    })
    .post("/vaults/:name/latency/:ms", (c) => {
      parts.vaults.named(c.req.param("name")).setLatency(Number(c.req.param("ms")));
      return c.body(null, 204);
    });
  return (request) => app.fetch(request);
}
