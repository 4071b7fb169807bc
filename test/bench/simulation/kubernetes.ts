import type { ApiRequest, KubernetesApi } from "../../../src/kube/api.ts";

export interface KubernetesCounts {
  reads: number;
  writes: number;
}

/** What all nodes together ask of the API server: classes are read, statuses are written. */
export interface PlayedKubernetes {
  readonly api: KubernetesApi;
  readonly counts: KubernetesCounts;
}

/** `specs` has the spec of each class, by its name. */
export function playKubernetes(specs: ReadonlyMap<string, object>): PlayedKubernetes {
  const counts: KubernetesCounts = { reads: 0, writes: 0 };
  const answer = ({ method, path }: ApiRequest): unknown => {
    if (method === "GET") counts.reads += 1;
    else counts.writes += 1;
    const spec = specs.get(path.split("/").at(-1) ?? "");
    return spec === undefined ? { metadata: { uid: "a-status" } } : { spec };
  };
  return { counts, api: { call: (request) => Promise.resolve({ status: 200, body: answer(request) }) } };
}
