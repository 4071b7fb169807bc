import { DriverError } from "../../src/errors.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import type { Metrics } from "../../src/ports.ts";

/** What a scrape yields: each sample's name and the labels that it may have. */
export type Samples = ReadonlyMap<string, ReadonlySet<string>>;

const error = new DriverError("Throttled", "throttled");
const azure = { provider: "azure", durationMs: 1 };
/** Each call makes every series that it can; the compiler holds the list complete. */
const exercise: { readonly [Method in keyof Metrics]: (metrics: Metrics) => void } = {
  kubernetesRequest: (metrics) => {
    metrics.kubernetesRequest({ verb: "get", resource: "secrets", code: 200 });
  },
  published: (metrics) => {
    metrics.published(azure);
    metrics.published({ ...azure, error });
  },
  unpublished: (metrics) => {
    metrics.unpublished({});
    metrics.unpublished({ error });
  },
  rotated: (metrics) => {
    metrics.rotated({ ...azure, rotated: true });
    metrics.rotated({ ...azure, rotated: false, error });
  },
  secretSynced: (metrics) => {
    metrics.secretSynced(azure);
    metrics.secretSynced({ ...azure, error });
  },
  watchVaults: (metrics) => {
    metrics.watchVaults(() => [{ source: {}, vault: "demo-vault", waiting: 3, pausedMs: 1_000 }]);
  },
  vaultRequest: (metrics) => {
    const request = { objectType: "secret", objectName: "s1", durationMs: 5 } as const;
    metrics.vaultRequest(request);
    metrics.vaultRequest({ ...request, error });
  },
  rotatesEvery: (metrics) => {
    metrics.rotatesEvery(120_000);
  },
  watchAges: (metrics) => {
    const ref = { namespace: "shop", name: "vault" };
    metrics.watchAges(() => ({ oldest: new Date(), classes: [{ ref, freshAt: new Date() }], owing: 1, failing: 1 }));
  },
};

/** What a plugin tells that has done everything once. */
export async function scrapeEverything(): Promise<string> {
  const metrics = createMetrics();
  for (const call of Object.values(exercise)) call(metrics);
  return await metrics.text();
}

/** The samples of a scrape, in Prometheus' text format. */
export function parseSamples(scrape: string): Samples {
  const samples = new Map<string, Set<string>>();
  for (const [, name = "", labels = ""] of scrape.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const known = samples.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(?:^|,)(\w+)="/g)) known.add(label);
    samples.set(name, known);
  }
  return samples;
}
