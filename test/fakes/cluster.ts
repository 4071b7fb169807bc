import type { ApiAnswer, ApiRequest } from "../../src/kube/api.ts";
import type { Cluster } from "../../src/kube/ask.ts";
import type { KubernetesRequest } from "../../src/ports.ts";

/** A cluster that keeps its requests and what was counted of them, and gives one answer; an Error is thrown. */
export interface FakeCluster extends Cluster {
  readonly requests: ApiRequest[];
  readonly counted: KubernetesRequest[];
}

export function createFakeCluster(answer: ApiAnswer | Error): FakeCluster {
  const requests: ApiRequest[] = [];
  const counted: KubernetesRequest[] = [];
  return {
    requests,
    counted,
    api: {
      call: (request) => {
        requests.push(request);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    metrics: {
      kubernetesRequest: (request) => {
        counted.push(request);
      },
    },
  };
}
