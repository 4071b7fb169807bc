import type { ApiAnswer, ApiRequest, KubernetesApi } from "../../src/kube/api.ts";

/** An API that keeps its requests and gives one answer; an Error is thrown. */
export interface FakeKubernetesApi extends KubernetesApi {
  readonly requests: ApiRequest[];
}

export function createFakeKubernetesApi(answer: ApiAnswer | Error): FakeKubernetesApi {
  const requests: ApiRequest[] = [];
  return {
    requests,
    call: (request) => {
      requests.push(request);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}
