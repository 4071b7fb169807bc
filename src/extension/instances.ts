import { CommandError } from "../errors.ts";
import { nearest } from "../formats/nearest.ts";
import type { ObjectRef } from "../model.ts";
import type { ReleaseDetail, ReleaseSummary } from "../release-model.ts";
import type { Releases } from "../release-ports.ts";
import { identityIn, type Identity } from "./record.ts";

/** Name of the chart: a release of it is an extension, whoever installed it. */
export const CHART = "azure-keyvault-csi";

/** Charts that bring the same driver, or the same provider. */
const established = ["csi-secrets-store-provider-azure", "secrets-store-csi-driver"];

/** A release with what is told of it. */
export interface Instance {
  readonly summary: ReleaseSummary;
  readonly detail: ReleaseDetail;
}

export function isExtension({ chart }: ReleaseSummary): boolean {
  return chart === CHART;
}

/** Throws CommandError for what Helm does not take as a release's name; a word that begins with a dash is a flag to it. */
export function refuseName(name: string): void {
  if (name.length <= 53 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) return;
  throw new CommandError(`${JSON.stringify(name)} cannot be the name of an extension`, {
    remedy: "a name has at most 53 small letters, digits, dashes and dots, letters or digits at its ends",
    exit: 2,
  });
}

/** Where an extension shall be. */
export interface Place {
  readonly ref: ObjectRef;
  /** It is the provider alone, for the established driver. */
  readonly keepsDriver: boolean;
}

/** Throws CommandError where another release serves the nodes, or has the name. */
export function refuseSecond(
  releases: readonly ReleaseSummary[],
  { ref: own, keepsDriver }: Place,
  chart: string,
): void {
  for (const release of releases) {
    const { name, namespace } = release.ref;
    const where = `release ${name} in namespace ${namespace}`;
    if (isExtension(release) && name !== own.name)
      throw new CommandError(`this cluster has the extension already, as ${name}; there can be one`, {
        remedy: `give its name, --name ${name}, or delete it first: azure-keyvault-csi extension delete --name ${name}`,
      });
    if (established.includes(release.chart) && !(keepsDriver && release.chart === "secrets-store-csi-driver"))
      throw new CommandError(`this cluster has the established driver or provider: ${where}, chart ${release.chart}`, {
        remedy: `bring it over in place, helm upgrade ${name} ${chart} -n ${namespace}, or uninstall it first`,
      });
    if (!isExtension(release) && name === own.name && namespace === own.namespace)
      throw new CommandError(`the name is taken: ${where} is of chart ${release.chart}`, {
        remedy: "choose another --name or --release-namespace",
      });
  }
}

/** The extension of that name. Throws CommandError where there is none, or where it is another cluster's. */
export async function findInstance(
  releases: Releases,
  { name, ...identity }: { readonly name: string } & Pick<Identity, "clusterName" | "resourceGroup">,
  signal: AbortSignal,
): Promise<Instance> {
  const all = (await releases.list(signal)).filter(isExtension);
  const summary = all.find(({ ref }) => ref.name === name);
  const detail = summary && (await releases.read(summary.ref, signal));
  if (summary === undefined || detail === undefined) throw notFound(name, all);
  refuseOtherCluster(detail, identity);
  return { summary, detail };
}

function notFound(name: string, all: readonly ReleaseSummary[]): CommandError {
  const meant = nearest(
    name,
    all.map(({ ref }) => ref.name),
  );
  const remedy =
    meant === undefined ? "make it: azure-keyvault-csi extension create" : `there is ${meant}: --name ${meant}`;
  return new CommandError(`this cluster has no extension ${name}`, { remedy, exit: 3 });
}

/** The kubeconfig says which cluster is spoken to; a name that is another's says that it is the wrong one. */
export function refuseOtherCluster(
  { values }: Pick<ReleaseDetail, "values">,
  { clusterName, resourceGroup }: Pick<Identity, "clusterName" | "resourceGroup">,
): void {
  const kept = identityIn(values);
  const differs = (said: string | undefined, known: string | undefined): boolean =>
    said !== undefined && known !== undefined && said.toLowerCase() !== known.toLowerCase();
  if (!differs(clusterName, kept.clusterName) && !differs(resourceGroup, kept.resourceGroup)) return;
  const known = `${kept.clusterName ?? "without a name"}, resource group ${kept.resourceGroup ?? "unknown"}`;
  throw new CommandError(`the cluster of this kubeconfig is another: ${known}`, {
    remedy:
      "choose the cluster by --kube-context or kubectl config use-context, or correct --cluster-name and --resource-group",
  });
}

/** Throws CommandError while somebody works on the release, or died doing so. */
export function refusePending({ ref, status }: ReleaseSummary): void {
  if (!status.startsWith("pending-") && status !== "uninstalling") return;
  const cutOff =
    status === "pending-install" || status === "uninstalling"
      ? `azure-keyvault-csi extension delete --force --name ${ref.name}`
      : `helm rollback ${ref.name} -n ${ref.namespace}`;
  throw new CommandError(`another operation on ${ref.name} is in progress (${status})`, {
    remedy: `wait until it has ended; if nobody is at it any more: ${cutOff}`,
  });
}
