import { expect, test } from "vitest";
import { createRollouts } from "../../../src/kube/rollouts.ts";
import type { KubernetesApi } from "../../../src/kube/api.ts";
import { noSignal } from "../../fakes/volumes.ts";

const ref = { namespace: "kube-system", name: "secrets-store-csi-driver" };

function daemonSet(observed: number, desired: number, updated: number, available: number): object {
  const counts = { desiredNumberScheduled: desired, updatedNumberScheduled: updated, numberAvailable: available };
  return { metadata: { generation: 2 }, status: { observedGeneration: observed, ...counts } };
}

/** Answers in turn; the last one again and again. */
function answers(...bodies: readonly (object | undefined)[]): KubernetesApi & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    call: ({ path }) => {
      const body = bodies[Math.min(asked.push(path), bodies.length) - 1];
      return Promise.resolve({ status: body === undefined ? 404 : 200, body });
    },
  };
}

test("a DaemonSet is ready when every node has its last version, available", async () => {
  const api = answers(
    undefined,
    {},
    daemonSet(1, 3, 3, 3),
    daemonSet(2, 3, 1, 3),
    daemonSet(2, 3, 3, 2),
    daemonSet(2, 3, 3, 3),
  );
  await createRollouts(api, { limitMs: 60_000, everyMs: 1 }).ready(ref, noSignal);
  expect(api.asked).toHaveLength(6);
  expect(api.asked[0]).toBe("/apis/apps/v1/namespaces/kube-system/daemonsets/secrets-store-csi-driver");
});

test.each([
  [daemonSet(2, 3, 3, 1), "not ready on 2 nodes"],
  [daemonSet(2, 3, 2, 3), "not ready on 1 node"],
  [undefined, "not ready"],
])("one that does not get ready in time is told, with what to look at", async (seen, what) => {
  const waiting = createRollouts(answers(seen), { limitMs: 1, everyMs: 1 }).ready(ref, noSignal);
  await expect(waiting).rejects.toMatchObject({
    message: `the extension is installed, but ${what}`,
    remedy: expect.stringContaining("kubectl describe -n kube-system daemonset/secrets-store-csi-driver") as string,
  });
});

test("nodes that there are not need nothing", async () => {
  await createRollouts(answers(daemonSet(2, 0, 0, 0)), { limitMs: 60_000, everyMs: 1 }).ready(ref, noSignal);
});
