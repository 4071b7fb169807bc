import { DriverError } from "../errors.ts";
import type { Nodes } from "../ports.ts";
import { ask, bodyOf, exchange, type Cluster } from "./ask.ts";
import { parseMetadata } from "./metadata.ts";
import { CORE } from "./paths.ts";
import { FIELD_MANAGER } from "./pod-statuses.ts";

const resource = "nodes";

/** Nodes, for their taints alone. */
export function createNodes(cluster: Cluster): Nodes {
  return {
    removeTaint: async (name, key, signal) => {
      const path = `/${CORE}/${resource}/${encodeURIComponent(name)}`;
      const subject = { resource, ref: { namespace: "", name }, remedy: "set startupTaint in the chart's values" };
      const node = await ask(cluster, { method: "GET", path }, subject, signal);
      if (node === undefined)
        throw new DriverError(
          "InvalidRequest",
          `there is no node "${name}": --nodeid must be the name of a Node of the cluster`,
        );
      const taints = taintsOf(node);
      const kept = taints.filter((taint) => taint.key !== key);
      if (kept.length === taints.length) return "absent";
      // The version that was read: a taint that somebody adds meanwhile must not be lost.
      const metadata = { resourceVersion: parseMetadata(node).resourceVersion };
      const body = { contentType: "application/merge-patch+json", content: { metadata, spec: { taints: kept } } };
      const request = { method: "PATCH", path: `${path}?fieldManager=${FIELD_MANAGER}`, body } as const;
      const answer = await exchange(cluster, request, subject, signal);
      if (answer.status === 409) throw new DriverError("Busy", `node "${name}" was changed by others meanwhile`);
      bodyOf(answer, request, subject);
      return "removed";
    },
  };
}

/** As the API server has them: all of what is kept is sent back. */
function taintsOf(node: unknown): readonly { readonly key?: unknown }[] {
  const taints = (node as { spec?: { taints?: unknown } } | undefined)?.spec?.taints;
  return Array.isArray(taints) ? (taints as readonly { readonly key?: unknown }[]) : [];
}
