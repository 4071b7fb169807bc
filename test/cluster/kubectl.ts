import { patternOf } from "../fakes/source-texts.ts";
import { run, until } from "./shell.ts";

/** The namespace of everything that the tests make; the context of their kubeconfig points to it. */
export const namespace = "azure-keyvault-csi-test";

/** What is read of an object. */
export interface KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
}

export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state: { readonly terminated?: object };
    }[];
  };
}

interface PodEvent {
  readonly reason: string;
  readonly message: string;
}

export function kubectl(...args: readonly string[]): Promise<string> {
  return run(["kubectl", ...args]);
}

/** Applies objects, or YAML as it stands. */
export async function apply(...objects: readonly (object | string)[]): Promise<void> {
  for (const object of objects)
    await run(["kubectl", "apply", "-f", "-"], typeof object === "string" ? object : JSON.stringify(object));
}

/** One object, undefined when there is none. */
export async function get<T extends KubernetesObject>(kind: string, name: string): Promise<T | undefined> {
  const text = await kubectl("get", kind, name, "--ignore-not-found", "-o", "json");
  return text === "" ? undefined : (JSON.parse(text) as T);
}

export async function list<T extends KubernetesObject>(...args: readonly string[]): Promise<readonly T[]> {
  return (JSON.parse(await kubectl("get", ...args, "-o", "json")) as { items: readonly T[] }).items;
}

/** Keys of a node's taints. */
export async function taintsOf(node: string): Promise<readonly string[]> {
  return (await kubectl("get", "node", node, "-o", "jsonpath={.spec.taints[*].key}")).split(" ");
}

export async function ready(...pods: readonly string[]): Promise<void> {
  await kubectl("wait", "--for=condition=Ready", "--timeout=240s", ...pods.map((name) => `pod/${name}`));
}

/** Deletes pods and waits until they are gone. */
export async function remove(...pods: readonly string[]): Promise<void> {
  await kubectl("delete", "pod", "--grace-period=1", "--timeout=180s", "--ignore-not-found", ...pods);
}

/** What a container prints, or the failure of its command. */
export function exec(pod: string, ...command: readonly string[]): Promise<string> {
  return kubectl("exec", pod, "--", ...command);
}

/** Messages of the pod's FailedMount events. */
export async function failedMounts(pod: string): Promise<readonly string[]> {
  const selector = `involvedObject.name=${pod},reason=FailedMount`;
  const events = await list<KubernetesObject & PodEvent>("events", "--field-selector", selector);
  return events.map(({ message }) => message);
}

/** Waits until kubelet has said why a pod's volume is not there. */
export function failedMount(pod: string): Promise<string> {
  return until(`${pod} has a FailedMount event`, async () =>
    (await failedMounts(pod)).find((message) => message.includes("rpc error")),
  );
}

/** The Events section of `kubectl describe pod`, as the user reads it. */
export async function describedEvents(pod: string): Promise<string> {
  const text = await kubectl("describe", "pod", pod);
  return text.slice(text.indexOf("\nEvents:")).trim();
}

/** The same once it says the text, in which `<…>` stands for anything. */
export function describedOnce(pod: string, text: string, limitMs?: number): Promise<string> {
  return until(
    `kubectl describe pod ${pod} says: ${text}`,
    async () => {
      const described = await describedEvents(pod);
      return patternOf(text).test(described) && described;
    },
    limitMs,
  );
}
