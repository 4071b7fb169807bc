import type { ObjectRef } from "../model.ts";
import type { DriverPods } from "../ports.ts";
import type { KubernetesApi } from "./api.ts";
import { askAsOperator } from "./operator.ts";

/** What is read of a list of pods. */
interface PodList {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly PodWithVolumes[];
}

interface PodWithVolumes {
  readonly metadata: ObjectRef;
  readonly spec?: { readonly volumes?: readonly { readonly csi?: { readonly driver?: string } }[] };
  readonly status?: { readonly phase?: string };
}

/** The chart's driver has no other name. */
const DRIVER_NAME = "secrets-store.csi.k8s.io";

/** In pages: a large cluster has many pods, and most are none of ours. */
const PAGE = 500;

export function createDriverPods(api: KubernetesApi): DriverPods {
  return {
    list: async (signal) => {
      const found: ObjectRef[] = [];
      let more = "";
      do {
        const query = `limit=${PAGE}${more === "" ? "" : `&continue=${encodeURIComponent(more)}`}`;
        const page = ((await askAsOperator(api, `/api/v1/pods?${query}`, "pods", signal)) ?? {}) as PodList;
        found.push(
          ...(page.items ?? []).filter(usesDriver).map(({ metadata: { namespace, name } }) => ({ namespace, name })),
        );
        more = page.metadata?.continue ?? "";
      } while (more !== "");
      return found;
    },
  };
}

/** Kubelet has taken the volumes of pods that ended. */
function usesDriver({ spec, status }: PodWithVolumes): boolean {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  return spec?.volumes?.some(({ csi }) => csi?.driver === DRIVER_NAME) ?? false;
}
