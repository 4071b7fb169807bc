import { expect, test } from "vitest";
import { CommandError, DriverError } from "../../../src/errors.ts";
import type { ApiAnswer, KubernetesApi } from "../../../src/kube/api.ts";
import { createDriverPods } from "../../../src/kube/driver-pods.ts";
import { noSignal } from "../../fakes/volumes.ts";

function pod(name: string, phase: string, ...drivers: readonly string[]): object {
  const volumes = [{ name: "other", emptyDir: {} }, ...drivers.map((driver) => ({ csi: { driver } }))];
  return { metadata: { namespace: "shop", name, uid: "u" }, spec: { volumes }, status: { phase } };
}

function answering(answer: (path: string) => ApiAnswer | Error): KubernetesApi {
  return {
    call: ({ path }) => {
      const given = answer(path);
      return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
    },
  };
}

test("pods that have a volume of this driver and have not ended are found, page by page", async () => {
  const asked: string[] = [];
  const driver = "secrets-store.csi.k8s.io";
  const first = [pod("runs", "Running", driver), pod("waits", "Pending", "x", driver), pod("other", "Running", "x")];
  const second = [
    pod("ended", "Succeeded", driver),
    pod("failed", "Failed", driver),
    pod("unknown", "Unknown", driver),
    { metadata: {} },
  ];
  const api = answering((path) => {
    asked.push(path);
    const page = path.includes("continue=") ? { items: second } : { metadata: { continue: "a&b" }, items: first };
    return { status: 200, body: page };
  });
  expect(await createDriverPods(api).list(noSignal)).toEqual(
    ["runs", "waits", "unknown"].map((name) => ({ namespace: "shop", name })),
  );
  expect(asked).toEqual(["/api/v1/pods?limit=500", "/api/v1/pods?limit=500&continue=a%26b"]);
});

test.each<[ApiAnswer | Error, string, string]>([
  [
    { status: 403, body: {} },
    "the cluster answered HTTP 403 to the question for pods",
    "kubectl auth can-i get pods -A",
  ],
  [{ status: 500, body: {} }, "the cluster answered HTTP 500", "try again"],
  [{ status: 200, body: undefined }, "the cluster answered HTTP 200", "kubectl cluster-info"],
  [
    Object.assign(new Error("x"), { code: "ECONNREFUSED" }),
    "no Kubernetes cluster answers (ECONNREFUSED)",
    "--kube-context",
  ],
  [new DriverError("InvalidRequest", "kubeconfig x cannot be read"), "kubeconfig x cannot be read", "--kube-context"],
])("what the cluster answers instead is told: %j", async (answer, what, remedy) => {
  const failure = await createDriverPods(answering(() => answer))
    .list(noSignal)
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CommandError);
  expect((failure as CommandError).message).toContain(what);
  expect((failure as CommandError).remedy).toContain(remedy);
});
