import { kubectl } from "./kubectl.ts";
import { pluginPod } from "./plugin.ts";

/** Calls of one kind. */
export interface Calls {
  readonly count: number;
  readonly seconds: number;
}

/** What the driver's calls took kubelet, each with a connection of its own; by the method's name, since kubelet started. */
export async function kubeletCalls(): Promise<ReadonlyMap<string, Calls>> {
  const { spec } = await pluginPod();
  const text = await kubectl("get", "--raw", `/api/v1/nodes/${spec.nodeName}/proxy/metrics`);
  const calls = new Map<string, Calls>();
  for (const [, what, labels = "", value] of text.matchAll(/^csi_operations_seconds_(sum|count)\{(.*)\} (\S+)$/gm)) {
    if (!labels.includes('driver_name="secrets-store.csi.k8s.io"') || !labels.includes('grpc_status_code="OK"'))
      continue;
    const method = /method_name="[^"]*\/(\w+)"/.exec(labels)?.[1] ?? "";
    const known = calls.get(method) ?? { count: 0, seconds: 0 };
    calls.set(method, { ...known, [what === "sum" ? "seconds" : "count"]: Number(value) });
  }
  return calls;
}

/** How many there were in between, and what one took on average, a line each. */
export function describeCalls(before: ReadonlyMap<string, Calls>, after: ReadonlyMap<string, Calls>): string {
  return [...after]
    .map(([method, { count, seconds }]) => {
      const { count: counted = 0, seconds: spent = 0 } = before.get(method) ?? {};
      return { method, calls: count - counted, ms: ((seconds - spent) / (count - counted)) * 1000 };
    })
    .filter(({ calls }) => calls > 0)
    .map(({ method, calls, ms }) => `${method}: ${calls} times, ${ms.toFixed(1)} ms on average`)
    .join("\n");
}
