import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { list, type Pod } from "./kubectl.ts";
import { releaseNamespace } from "./release.ts";

/** The plugin's metrics, through the API server's proxy. */
export async function readMetrics(proxyPort: number, podName: string): Promise<string> {
  const path = `/api/v1/namespaces/${releaseNamespace}/pods/${podName}:8898/proxy/metrics`;
  const response = await fetch(`http://127.0.0.1:${proxyPort}${path}`);
  if (!response.ok) throw new Error(`no metrics of ${podName}: ${response.status}`);
  return response.text();
}

/** `verb resource` → how often it was used; a right that was refused is `refused verb resource`. */
export function parseRights(metrics: string): Map<string, number> {
  const rights = new Map<string, number>();
  for (const [, verb = "", resource = "", code, count] of metrics.matchAll(
    /^kubernetes_requests_total\{verb="(\w+)",resource="([\w.-]+)",code="(\d+)"\} (\d+)$/gm,
  )) {
    if (code === "0") continue;
    const right = `${code === "401" || code === "403" ? "refused " : ""}${verb} ${resource}`;
    rights.set(right, (rights.get(right) ?? 0) + Number(count));
  }
  return rights;
}

const file = (dir: string): string => join(dir, "rights-used");

/** Rights that any plugin was seen to use during the run, or was refused. */
export async function rightsUsed(dir: string): Promise<ReadonlySet<string>> {
  const text = await readFile(file(dir), "utf8").catch(() => "");
  return new Set(text.split("\n").filter((line) => line !== ""));
}

/** Writes down every second what plugins have used so far: a process that is killed takes its counters along. */
export function watchRights(dir: string, proxyPort: number): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const pods = await list<Pod>("pods", "-n", releaseNamespace, "-l", "app=secrets-store-csi-driver").catch(
        () => [],
      );
      for (const { metadata } of pods) await noteRights(dir, proxyPort, metadata.name).catch(() => undefined);
      await delay(1_000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = watch();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

async function noteRights(dir: string, proxyPort: number, podName: string): Promise<void> {
  const known = await rightsUsed(dir);
  for (const right of parseRights(await readMetrics(proxyPort, podName)).keys())
    if (!known.has(right)) await appendFile(file(dir), `${right}\n`);
}
