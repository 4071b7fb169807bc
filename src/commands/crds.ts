import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { DriverError, messageOf } from "../errors.ts";
import { describeFlags, flag, parseFlags, switchFlag, type FlagValues } from "../formats/flags.ts";
import { parseDurationMs } from "../formats/go-text.ts";
import { parseManifests, type Manifest } from "../formats/manifest.ts";
import { createKubernetesApi } from "../kube/api.ts";
import { createCrds, type Crds } from "../kube/crds.ts";
import { trustExtraAuthorities } from "../process/trust.ts";
import { LONGEST_PERIOD_MS } from "../schedule/timer.ts";
import { userAgentOf } from "./azure-options.ts";
import { clusterAccess } from "./cluster-access.ts";
import { complain, say, type Command } from "./command.ts";

/** The chart's crds/*.yaml as one text, filled in by `npm run build`. */
declare const BUILD_CRDS: string | undefined;

const flags = {
  kubeconfig: flag("FILE", "cluster to speak to; without it $KUBECONFIG, else the pod's service account", "", String),
  timeout: { ...flag("DURATION", "how long all of it may take", 60_000, parseTimeout), shown: "1m" },
  "dry-run": switchFlag("ask the cluster what would change, and change nothing"),
};

/** Brings the cluster's CRDs to those of this version, and waits until their kinds are served. */
export const crds: Command = async (args, env) => {
  if (args.some((word) => /^--?h(elp)?$/.test(word)))
    return say(`Flags of azure-keyvault-csi crds:\n${describeFlags(flags)}`);
  const { values, problems } = parseFlags(flags, args);
  if (problems.length > 0) return complain("crds", problems);
  try {
    const connected = await connect(values, env);
    const how = { dryRun: values["dry-run"], signal: AbortSignal.timeout(values.timeout) };
    for await (const line of bringUpToDate(connected, carriedCrds(), how)) console.log(line);
    return 0;
  } catch (error) {
    console.error(`azure-keyvault-csi crds: ${messageOf(error)}`);
    return 1;
  }
};

async function connect({ kubeconfig }: FlagValues<typeof flags>, env: NodeJS.ProcessEnv): Promise<Crds> {
  await trustExtraAuthorities(env);
  const api = createKubernetesApi(await clusterAccess(kubeconfig, env), userAgentOf());
  return createCrds({ api, metrics: { kubernetesRequest: () => undefined } });
}

interface How {
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Yields a line for each CRD, as `kubectl apply` would. All are applied before any is waited for. */
export async function* bringUpToDate(
  connected: Crds,
  manifests: readonly Manifest[],
  { dryRun, signal }: How,
): AsyncGenerator<string> {
  for (const crd of manifests) {
    const outcome = await connected.apply(crd, dryRun, signal);
    yield `customresourcedefinition ${crd.metadata.name} ${outcome}${dryRun ? " (dry run)" : ""}`;
  }
  if (dryRun) return;
  for (const { metadata } of manifests) await established(connected, metadata.name, signal);
}

/** The API server takes less than a second; a CRD whose names are taken by another is never established. */
async function established(connected: Crds, name: string, signal: AbortSignal): Promise<void> {
  while (!(await connected.isEstablished(name, signal))) {
    await pause(250, undefined, { signal }).catch((cause: unknown) => {
      throw new DriverError("DeadlineExceeded", `${name} is not served yet: see kubectl describe crd ${name}`, {
        cause,
      });
    });
  }
}

/** What the program carries; run from its sources, the chart's. */
export function carriedCrds(): readonly Manifest[] {
  return parseManifests(typeof BUILD_CRDS === "string" ? BUILD_CRDS : chartCrds());
}

function chartCrds(): string {
  const directory = `${import.meta.dirname}/../../charts/azure-keyvault-csi/crds`;
  return readdirSync(directory)
    .map((file) => readFileSync(`${directory}/${file}`, "utf8"))
    .join("---\n");
}

function parseTimeout(text: string): number {
  const ms = parseDurationMs(text);
  if (ms <= 0 || ms > LONGEST_PERIOD_MS) throw new Error("must be longer than nothing, and at most 596h");
  return ms;
}
