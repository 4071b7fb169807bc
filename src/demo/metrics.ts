import type { Narrator } from "./narrator.ts";
import type { Stage } from "./stage.ts";
import type { Cast } from "./story.ts";

/** Of some hundred lines, those that one looks at first. */
const useful = [
  "node_publish_total",
  "rotation_reconcile_total",
  "rotation_reconcile_error_total",
  "keyvault_request_count",
  "sync_k8s_secret_total",
  "oldest_volume_age_seconds",
  "secretproviderclass_last_success_timestamp_seconds",
  "keyvault_queue_depth",
  "keyvault_throttle_seconds_total",
] as const;

type Name = (typeof useful)[number];

/** The sum of a metric's samples. */
export async function metric(on: Stage, name: Name): Promise<number> {
  return sum(await scrape(on), name);
}

/** What the plugin that rotates has counted. */
export async function readMetrics(on: Stage, { step, show, verify }: Narrator, { identity }: Cast): Promise<void> {
  const lines = await step("The most useful of /metrics", () => scrape(on));
  show(lines.map(brief).join("\n"));
  const served = ["node_publish_total", "rotation_reconcile_total", "rotation_reconcile_error_total"] as const;
  const work = served.reduce((total, name) => total + sum(lines, name), 0);
  const requests = sum(lines, "keyvault_request_count");
  const share = identity.ofEachPod ? 1 : 4;
  verify(
    `${requests} requests to the vault served ${work} publishes and refreshes`,
    0 < requests && requests * share < work,
  );
  verify("one Secret was written", sum(lines, "sync_k8s_secret_total") === 1);
}

/** The useful lines. */
async function scrape(on: Stage): Promise<readonly string[]> {
  const text = await (await fetch(on.metricsUrl)).text();
  return text.split("\n").filter((line) => useful.some((name) => nameOf(line) === name));
}

function sum(lines: readonly string[], name: Name): number {
  return lines
    .filter((line) => nameOf(line) === name)
    .reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
}

function nameOf(line: string): string {
  return /^[a-z0-9_]+/.exec(line)?.[0] ?? "";
}

/** Without the labels that are the same everywhere. */
function brief(line: string): string {
  return line.replaceAll(/,?(os_type|service_name|object_name)="[^"]*"/g, "").replaceAll("{,", "{");
}
