import { DriverError } from "../errors.ts";
import type { Manifest } from "../formats/manifest.ts";
import type { ApiRequest } from "./api.ts";
import { ask, bodyOf, exchange, type Cluster, type Subject } from "./ask.ts";
import { FIELD_MANAGER } from "./pod-statuses.ts";

/** CustomResourceDefinitions. Calls throw DriverError. */
export interface Crds {
  /** Brings one to the manifest by server-side apply; with `dryRun` says only what would become of it. */
  apply(crd: Manifest, dryRun: boolean, signal: AbortSignal): Promise<"created" | "changed" | "unchanged">;
  /** Whether the API server serves its kind. */
  isEstablished(name: string, signal: AbortSignal): Promise<boolean>;
}

/** What is read of a CRD (apiextensions.k8s.io/v1). */
interface LiveCrd {
  /** Counted up by the API server with every change of the spec, in a dry run too. */
  readonly metadata?: { readonly generation?: number };
  readonly status?: { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
}

/**
 * Applied with force: whoever brought the CRD first (helm, or kubectl in the established driver's hook) owns its fields and
 * does not keep them up to date any more; without force each of their fields that changed would be a conflict forever. The
 * list of versions is one field to the API server, so nothing of theirs is left in a schema. Their labels and annotations stay.
 */
export function createCrds(cluster: Cluster): Crds {
  return {
    apply: async (crd, dryRun, signal) => {
      const { name } = crd.metadata;
      const before = await read(cluster, name, signal);
      const query = `fieldManager=${FIELD_MANAGER}&force=true${dryRun ? "&dryRun=All" : ""}`;
      const body = { contentType: "application/apply-patch+yaml", content: crd };
      const request: ApiRequest = { method: "PATCH", path: `${pathOf(name)}?${query}`, body };
      const answer = await exchange(cluster, request, subjectOf(name), signal);
      if (answer.status === 403) throw forbidden(name, before === undefined ? "create" : "patch");
      if (answer.status === 422) throw unfit(name);
      const after = bodyOf(answer, request, subjectOf(name)) as LiveCrd;
      if (before === undefined) return "created";
      return generationOf(after) === generationOf(before) ? "unchanged" : "changed";
    },
    isEstablished: async (name, signal) => {
      const { status } = (await read(cluster, name, signal)) ?? {};
      const established = status?.conditions?.find(({ type }) => type === "Established");
      return established?.status === "True";
    },
  };
}

async function read(cluster: Cluster, name: string, signal: AbortSignal): Promise<LiveCrd | undefined> {
  return (await ask(cluster, { method: "GET", path: pathOf(name) }, subjectOf(name), signal)) as LiveCrd | undefined;
}

function generationOf({ metadata }: LiveCrd): number | undefined {
  return metadata?.generation;
}

function pathOf(name: string): string {
  return `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(name)}`;
}

const resource = "customresourcedefinitions.apiextensions.k8s.io";
const remedy = "the rights are in the chart's templates/crds-hook.yaml";

function subjectOf(name: string): Subject {
  return { resource, ref: { namespace: "", name }, remedy };
}

function forbidden(name: string, verb: string): DriverError {
  return new DriverError("PermissionDenied", `${resource} "${name}" may not be written (HTTP 403, ${verb}): ${remedy}`);
}

/** For example where objects are stored in a version that this program does not know. */
function unfit(name: string): DriverError {
  return new DriverError(
    "InvalidRequest",
    `${resource} "${name}" of this version cannot take the place of the cluster's (HTTP 422): ` +
      `see status.storedVersions in kubectl get crd ${name} -o yaml`,
  );
}
