import type { KubernetesObject } from "../emulator/kubernetes/objects.ts";
import type { Stage } from "./stage.ts";
import { until } from "./until.ts";

/** An event of a pod. */
export interface PodEvent extends KubernetesObject {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string };
}

/** The first event of the pod that reads like that, as soon as there is one. */
export function eventOf(on: Stage, pod: string, message: RegExp): Promise<PodEvent> {
  return until(`pod ${pod} has an event that says ${message.source}`, async () => {
    const events = (await on.cluster.list({ plural: "events", namespace: "default" })) as readonly PodEvent[];
    return events.find((event) => event.involvedObject.name === pod && message.test(event.message));
  });
}

/** As `kubectl describe pod` shows it. */
export function described({ type, reason, source, message }: PodEvent): string {
  return `${type}  ${reason}  ${source.component}  ${message}`;
}
