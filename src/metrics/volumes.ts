import { Counter, Histogram, type Registry } from "@prometheus-io/client";
import { errorTypeOf, reasonOf } from "../errors.ts";
import type { Metrics, Outcome } from "../ports.ts";

/** Who serves the established driver (csi-driver 2.7); any other name comes from a user and is not told. */
const providerNames = new Set(["", "akeyless", "aws", "azure", "conjur", "gcp", "openbao", "vault"]);
/** The established driver runs on Windows, too; its dashboards ask for the label. */
const os_type = "linux";
/** 11 exponential bounds from 0.1 to 2, as with the established driver. */
const bounds = [0.1, 0.1349, 0.1821, 0.2456, 0.3314, 0.4472, 0.6034, 0.8142, 1.0986, 1.4823, 2];

type Labelled = Counter<string>;

type VolumeMetrics = Pick<Metrics, "published" | "unpublished" | "rotated" | "secretSynced">;

/** The established driver's metrics under its names (csi-driver 7.1); failures have the label `reason` besides. */
export function registerVolumeMetrics(registry: Registry): VolumeMetrics {
  const counter = (name: string, help: string, labels: readonly string[]): Labelled =>
    new Counter<string>({ name, help, labelNames: [...labels, "os_type"], registers: [registry] });
  const histogram = (name: string, help: string): Histogram<string> =>
    new Histogram<string>({ name, help, labelNames: ["os_type"], buckets: bounds, registers: [registry] });
  const failed = ["provider", "error_type", "reason"];
  const publishes = counter("node_publish_total", "Volumes published, republishes included", ["provider"]);
  const publishErrors = counter("node_publish_error_total", "Volumes that could not be published", failed);
  const unpublishes = counter("node_unpublish_total", "Volumes unpublished", []);
  const unpublishErrors = counter("node_unpublish_error_total", "Volumes that could not be unpublished", []);
  const rotations = counter("rotation_reconcile_total", "Volumes brought up to date by rotation", [
    "provider",
    "rotated",
  ]);
  const rotationErrors = counter("rotation_reconcile_error_total", "Volumes that rotation could not bring up to date", [
    ...failed,
    "rotated",
  ]);
  const rotationSeconds = histogram("rotation_reconcile_duration_sec", "How long it took to bring a volume up to date");
  const syncs = counter("sync_k8s_secret_total", "Kubernetes Secrets written", ["provider"]);
  const syncErrors = counter("sync_k8s_secret_error_total", "Kubernetes Secrets that could not be written", failed);
  const syncSeconds = histogram(
    "k8s_secret_duration_sec",
    "How long it took to sync the Kubernetes Secrets of a volume",
  );
  return {
    published: (outcome) => {
      count(outcome, publishes, publishErrors);
    },
    unpublished: ({ error }) => {
      (error === undefined ? unpublishes : unpublishErrors).inc({ os_type });
    },
    rotated: ({ rotated, durationMs, ...outcome }) => {
      count(outcome, rotations, rotationErrors, { rotated: String(rotated) });
      if (outcome.error === undefined) rotationSeconds.observe({ os_type }, durationMs / 1000);
    },
    secretSynced: ({ durationMs, ...outcome }) => {
      count(outcome, syncs, syncErrors);
      if (outcome.error === undefined) syncSeconds.observe({ os_type }, durationMs / 1000);
    },
  };
}

function count(outcome: Outcome, successes: Labelled, failures: Labelled, more: Record<string, string> = {}): void {
  const { error } = outcome;
  const provider = providerNames.has(outcome.provider) ? outcome.provider : "other";
  if (error === undefined) successes.inc({ provider, ...more, os_type });
  else failures.inc({ provider, error_type: errorTypeOf(error), reason: reasonOf(error), ...more, os_type });
}
