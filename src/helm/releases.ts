import { CommandError } from "../errors.ts";
import type { ChartValues, ObjectRef, ReleaseDetail, ReleaseStatus, ReleaseSummary } from "../model.ts";
import type { Releases } from "../ports.ts";
import { createRunHelm, type HelmOptions, type RunHelm } from "./command.ts";
import { failureOf, type Attempt } from "./failure.ts";
import { parseHelmVersion, type HelmVersion } from "./version.ts";

/** For what is waited for as a whole, and for each hook. */
const TIMEOUT = "10m";

/** Releases by the helm command; its version is asked first, once. The chart is a directory. */
export function createReleases(options: HelmOptions & { readonly chart: string }): Releases {
  const run = createRunHelm(options);
  let known: Promise<HelmVersion> | undefined;
  const version = (signal: AbortSignal): Promise<HelmVersion> => (known ??= askVersion(run, signal));
  const helm = async (args: readonly string[], signal: AbortSignal, attempt: Attempt, input = ""): Promise<string> => {
    await version(signal);
    const { code, stdout, stderr } = await run(args, signal, input);
    if (code !== 0) throw failureOf(stderr, attempt);
    return stdout;
  };
  return {
    list: async (signal) => {
      const states = ["--deployed", "--failed", "--pending", "--uninstalling"];
      const text = await helm(["list", "--all-namespaces", "--max=0", "--output=json", ...states], signal, {});
      return (parseJson(text) as readonly ListedRelease[]).map(summaryOf);
    },
    read: async (ref, signal) => {
      await version(signal);
      const { code, stdout, stderr } = await run(["status", ...named(ref), "--output=json"], signal);
      if (code !== 0 && stderr.includes("release: not found")) return undefined;
      if (code !== 0) throw failureOf(stderr, { ref });
      return detailOf(parseJson(stdout) as ToldRelease);
    },
    apply: async ({ ref, values, secrets, wait, dryRun }, signal) => {
      const args = ["upgrade", "--install", ...named(ref), options.chart, "--create-namespace"];
      args.push("--reset-values", "--values=-", `--timeout=${TIMEOUT}`, "--hide-notes");
      if (dryRun) args.push("--dry-run=server", "--hide-secret");
      else if (wait) args.push("--wait");
      // Helm 4 would own every field by server-side apply.
      if ((await version(signal)).major >= 4) args.push("--server-side=false");
      await helm(args, signal, { ref, secrets }, JSON.stringify(values));
    },
    remove: async (ref, wait, signal) => {
      const waiting = wait ? ["--wait", "--cascade=foreground"] : [];
      await helm(["uninstall", ...named(ref), `--timeout=${TIMEOUT}`, ...waiting], signal, { ref });
    },
  };
}

async function askVersion(run: RunHelm, signal: AbortSignal): Promise<HelmVersion> {
  const { stdout } = await run(["version", "--template={{.Version}}"], signal);
  return parseHelmVersion(stdout);
}

function named({ name, namespace }: ObjectRef): readonly string[] {
  return [name, `--namespace=${namespace}`];
}

interface ListedRelease {
  readonly name: string;
  readonly namespace: string;
  /** Name and version, joined by a dash. */
  readonly chart: string;
  readonly status: string;
}

function summaryOf({ name, namespace, chart, status }: ListedRelease): ReleaseSummary {
  const [, chartName = chart, version = ""] = /^(.+?)-(v?\d+\.\d+.*)$/.exec(chart) ?? [];
  return { ref: { namespace, name }, chart: chartName, version, status: statusOf(status) };
}

interface ToldRelease {
  readonly info: { readonly status: string; readonly first_deployed?: string; readonly last_deployed?: string };
  readonly config?: ChartValues;
}

function detailOf({ info, config = {} }: ToldRelease): ReleaseDetail {
  const { status, first_deployed: firstDeployed = "", last_deployed: lastDeployed = "" } = info;
  return { status: statusOf(status), firstDeployed, lastDeployed, values: config };
}

const statuses: ReadonlySet<string> = new Set<ReleaseStatus>([
  "deployed",
  "failed",
  "pending-install",
  "pending-upgrade",
  "pending-rollback",
  "uninstalling",
]);

function statusOf(text: string): ReleaseStatus {
  return statuses.has(text) ? (text as ReleaseStatus) : "unknown";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError("helm answered something else than JSON", {
      remedy: "is the helm on the PATH the real one? helm version tells",
      cause,
    });
  }
}
