import { CommandError } from "../errors.ts";
import type { ObjectRef } from "../model.ts";
import type { ChartValues, ReleaseSummary } from "../release-model.ts";
import type { DriverPods, Releases, Rollouts } from "../release-ports.ts";
import type { Chart } from "./catalogue.ts";
import {
  daemonSetIn,
  EXTENSION_TYPE,
  imageIn,
  isProviderAlone,
  refuseType,
  refuseVersion,
  secretsIn,
  valuesFor,
} from "./desired.ts";
import { findInstance, isExtension, refuseName, refuseOtherCluster, refusePending, refuseSecond } from "./instances.ts";
import { recordOf, type ExtensionRecord, type Identity } from "./record.ts";
import type { Setting } from "./settings.ts";

/** What the operations work with. */
export interface Means {
  readonly releases: Releases;
  readonly pods: DriverPods;
  readonly rollouts: Rollouts;
  readonly chart: Pick<Chart, "directory" | "image" | "version">;
  /** Told what is being done. */
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Which cluster is meant, as the user calls it. */
export type ClusterName = Pick<Identity, "clusterName" | "resourceGroup">;

/** How to go about it. */
export interface Manner {
  readonly noWait: boolean;
  readonly dryRun: boolean;
}

/** An extension and what it shall be. */
export interface Wish extends Manner {
  readonly name: string;
  readonly identity: Identity;
  readonly version?: string | undefined;
  readonly settings: readonly Setting[];
}

export interface CreateWish extends Wish {
  /** Undefined: where it is, else kube-system. */
  readonly releaseNamespace?: string | undefined;
}

/** Installs it. One of that name is brought to this version, CRDs included; of its settings those change that are given. */
export async function create(wish: CreateWish, means: Means): Promise<ExtensionRecord> {
  const { extensionType = EXTENSION_TYPE } = wish.identity;
  refuseName(wish.name);
  refuseType(extensionType);
  refuseVersion(wish.version, means.chart);
  const releases = await means.releases.list(means.signal);
  const present = releases.find((release) => release.ref.name === wish.name && isExtension(release));
  const ref = placeOf(wish, present);
  const before = present ? await valuesOf(present, wish.identity, means) : {};
  const values = valuesFor({ ...wish, identity: { ...wish.identity, extensionType } }, before);
  refuseSecond(releases, { ref, keepsDriver: isProviderAlone(values) }, means.chart.directory);
  const doing = present ? "Upgrading" : "Installing";
  means.progress(`${doing} ${wish.name} in namespace ${ref.namespace}, image ${imageIn(values, means.chart)}`);
  return bringAbout({ ref, values, before }, wish, means);
}

/** Changes the settings that are given; the others stay. It is of this program's version then. */
export async function update(wish: Wish, means: Means): Promise<ExtensionRecord> {
  refuseVersion(wish.version, means.chart);
  const { summary, detail } = await findInstance(means.releases, { name: wish.name, ...wish.identity }, means.signal);
  refusePending(summary);
  const { version } = means.chart;
  const brings = summary.version === version ? "" : `, from version ${summary.version} to ${version}`;
  means.progress(`Updating ${wish.name} in namespace ${summary.ref.namespace}${brings}`);
  const values = valuesFor(wish, detail.values);
  return bringAbout({ ref: summary.ref, values, before: detail.values }, wish, means);
}

/** Which extension goes, and whether at any price. */
export interface Removal extends Manner, ClusterName {
  readonly name: string;
  readonly force: boolean;
}

/** Removes it; CRDs and classes stay. Refused while pods use the driver, unless forced: they could not end. */
export async function remove(removal: Removal, { releases, pods, progress, signal }: Means): Promise<void> {
  const { summary, detail } = await findInstance(releases, removal, signal);
  if (!removal.force) {
    refusePending(summary);
    // The provider alone mounts nothing.
    if (!isProviderAlone(detail.values)) refuseUsed(await pods.list(signal), removal.name);
  }
  if (removal.dryRun) return;
  progress(`Deleting ${removal.name}; CRDs and SecretProviderClasses stay`);
  await releases.remove(summary.ref, !removal.noWait, signal);
}

/** Throws CommandError where there is none of that name. */
export async function show(
  extension: ClusterName & { readonly name: string },
  { releases, signal }: Means,
): Promise<ExtensionRecord> {
  const { summary, detail } = await findInstance(releases, extension, signal);
  return recordOf(summary, detail);
}

/** All of the cluster: one, or none. */
export async function list(cluster: ClusterName, { releases, signal }: Means): Promise<readonly ExtensionRecord[]> {
  const found: ExtensionRecord[] = [];
  for (const summary of (await releases.list(signal)).filter(isExtension)) {
    const detail = await releases.read(summary.ref, signal);
    if (detail === undefined) continue;
    refuseOtherCluster(detail, cluster);
    found.push(recordOf(summary, detail));
  }
  return found;
}

function placeOf({ name, releaseNamespace }: CreateWish, present: ReleaseSummary | undefined): ObjectRef {
  if (present === undefined) return { namespace: releaseNamespace ?? "kube-system", name };
  const { namespace } = present.ref;
  if (releaseNamespace === undefined || releaseNamespace === namespace) return present.ref;
  throw new CommandError(`the extension ${name} is in namespace ${namespace}, and stays there`, {
    remedy: "leave --release-namespace away, or delete the extension first",
  });
}

async function valuesOf(present: ReleaseSummary, identity: Identity, means: Means): Promise<ChartValues> {
  refusePending(present);
  const detail = await means.releases.read(present.ref, means.signal);
  if (detail === undefined) return {};
  refuseOtherCluster(detail, identity);
  return detail.values;
}

interface Change {
  readonly ref: ObjectRef;
  readonly values: ChartValues;
  readonly before: ChartValues;
}

async function bringAbout({ ref, values, before }: Change, manner: Manner, means: Means): Promise<ExtensionRecord> {
  // What is in the cluster may be quoted as well as what comes.
  const secrets = [...new Set([before, values].flatMap(secretsIn))];
  const { releases, rollouts, chart, signal } = means;
  const { dryRun, noWait } = manner;
  await releases.apply({ ref, values, secrets, dryRun, wait: !noWait }, signal);
  const summary = { ref, version: chart.version };
  if (dryRun) return recordOf(summary, { status: "unknown", firstDeployed: "", lastDeployed: "", values });
  const daemonSet = daemonSetIn(values);
  if (!noWait && daemonSet !== undefined) {
    means.progress(`Waiting for DaemonSet ${daemonSet}`);
    await rollouts.ready({ namespace: ref.namespace, name: daemonSet }, signal);
  }
  const detail = await releases.read(ref, signal);
  if (detail) return recordOf(summary, detail);
  throw new CommandError(`${ref.name} was installed, and is gone again`, { remedy: "somebody deleted it: ask who" });
}

/** Names enough of them to see whose they are. */
function refuseUsed(pods: readonly ObjectRef[], name: string): void {
  if (pods.length === 0) return;
  const names = pods.slice(0, 20).map((pod) => `${pod.namespace}/${pod.name}`);
  const more = pods.length > names.length ? ` and ${pods.length - names.length} more` : "";
  throw new CommandError(`pods still use the driver: ${names.join(", ")}${more}`, {
    remedy:
      "delete them first; with --force they keep their files, hang in Terminating when they are deleted, " +
      `and azure-keyvault-csi extension create --name ${name} frees them`,
  });
}
