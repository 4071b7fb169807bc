import { Gauge, type Registry } from "@prometheus-io/client";
import type { Ages } from "../ports.ts";

/** How up to date the volumes are, asked at each scrape; a class that no volume uses any more is told no more. */
export function registerAges(registry: Registry, ages: () => Ages): void {
  const registers = [registry];
  new Gauge({
    name: "oldest_volume_age_seconds",
    help: "Since when the content of the volume that waits longest was last known to be the vault's; 0 without volumes",
    registers,
    collect() {
      const { oldest } = ages();
      this.set(oldest === undefined ? 0 : (Date.now() - oldest.getTime()) / 1000);
    },
  });
  new Gauge({
    name: "volumes_owing",
    help: "Volumes whose pod status or Kubernetes Secret is not written yet",
    registers,
    collect() {
      this.set(ages().owing);
    },
  });
  new Gauge({
    name: "volumes_failing",
    help: "Volumes that rotation could not bring up to date when it last tried",
    registers,
    collect() {
      this.set(ages().failing);
    },
  });
  new Gauge({
    name: "secretproviderclass_last_success_timestamp_seconds",
    help: "Since when the volume of the SecretProviderClass that waits longest was last known to be up to date (Unix time)",
    labelNames: ["namespace", "secretproviderclass"],
    registers,
    collect() {
      this.reset();
      for (const { ref, freshAt } of ages().classes)
        this.set({ namespace: ref.namespace, secretproviderclass: ref.name }, freshAt.getTime() / 1000);
    },
  });
}

/** What an age is compared with; without rotation there is no such series, and no rule that compares with it fires. */
export function registerInterval(registry: Registry, intervalMs: number): void {
  new Gauge({
    name: "rotation_interval_seconds",
    help: "How often rotation brings each volume up to date; absent without rotation",
    registers: [registry],
  }).set(intervalMs / 1000);
}
