import { DriverError } from "../errors.ts";
import type { KubernetesObject } from "../release-model.ts";
import { ask, type Cluster, type Subject } from "./ask.ts";

/** Where an object is. */
export interface Located {
  readonly path: string;
  /** Of all objects of its kind there. */
  readonly collection: string;
  readonly subject: Subject;
}

/** How kinds are called in paths, asked of the API server once for each version of a group. */
export interface Resources {
  /** Throws InvalidRequest for a kind that the cluster does not serve. */
  locate(object: KubernetesObject, signal: AbortSignal): Promise<Located>;
}

/** Of meta/v1 APIResourceList. */
interface ResourceList {
  readonly resources?: readonly { readonly name: string; readonly kind: string }[];
}

const remedy = "the rights are in the chart's templates/reconciler.yaml";

export function createResources(cluster: Cluster): Resources {
  const known = new Map<string, ReadonlyMap<string, string>>();

  async function pluralOf({ apiVersion, kind }: KubernetesObject, signal: AbortSignal): Promise<string> {
    const found = known.get(apiVersion)?.get(kind);
    if (found !== undefined) return found;
    const plurals = await discover(cluster, apiVersion, signal);
    known.set(apiVersion, plurals);
    const plural = plurals.get(kind);
    if (plural === undefined)
      throw new DriverError("InvalidRequest", `the cluster does not serve ${kind} of ${apiVersion}: install its CRD`);
    return plural;
  }

  return {
    locate: async (object, signal) => {
      const { apiVersion, metadata } = object;
      const plural = await pluralOf(object, signal);
      const [group] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
      const { namespace = "", name } = metadata;
      const within = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
      const collection = `${rootOf(apiVersion)}${within}/${plural}`;
      const resource = group === "" ? plural : `${plural}.${group ?? ""}`;
      return {
        path: `${collection}/${encodeURIComponent(name)}`,
        collection,
        subject: { resource, ref: { namespace, name }, remedy },
      };
    },
  };
}

/** Kind → plural. Subresources have a slash in their name. */
async function discover(
  cluster: Cluster,
  apiVersion: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const subject = { resource: "apiversions", ref: { namespace: "", name: apiVersion } };
  const list = (await ask(cluster, { method: "GET", path: rootOf(apiVersion) }, subject, signal)) as
    ResourceList | undefined;
  const resources = (list?.resources ?? []).filter(({ name }) => !name.includes("/"));
  return new Map(resources.map(({ name, kind }) => [kind, name]));
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
