import { expect, test } from "vitest";
import { bringUpToDate, carriedCrds } from "../../../src/commands/crds.ts";
import type { Crds } from "../../../src/kube/crds.ts";
import { noSignal } from "../../fakes/volumes.ts";

const manifests = ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "K", metadata: { name } }));

/** CRDs that are served at the n-th question. */
function fakeCrds(servedAt = 1) {
  const calls: string[] = [];
  const crds: Crds = {
    apply: ({ metadata }, dryRun) => {
      calls.push(`apply ${metadata.name}${dryRun ? " dry" : ""}`);
      return Promise.resolve("changed");
    },
    isEstablished: (name) => {
      calls.push(`look ${name}`);
      return Promise.resolve(calls.filter((call) => call === `look ${name}`).length >= servedAt);
    },
  };
  return { calls, crds };
}

async function all(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const line of lines) told.push(line);
  return told;
}

test("all are applied before any is waited for, and each is told", async () => {
  const { calls, crds } = fakeCrds(2);
  const lines = await all(bringUpToDate(crds, manifests, { dryRun: false, signal: noSignal }));
  expect(lines).toEqual(["customresourcedefinition a changed", "customresourcedefinition b changed"]);
  expect(calls).toEqual(["apply a", "apply b", "look a", "look a", "look b", "look b"]);
});

test("a dry run asks what would change, and waits for nothing", async () => {
  const { calls, crds } = fakeCrds();
  const lines = await all(bringUpToDate(crds, manifests, { dryRun: true, signal: noSignal }));
  expect(lines[0]).toBe("customresourcedefinition a changed (dry run)");
  expect(calls).toEqual(["apply a dry", "apply b dry"]);
});

test("one that is never served fails with what to look at", async () => {
  const { crds } = fakeCrds(Infinity);
  const how = { dryRun: false, signal: AbortSignal.timeout(20) };
  await expect(all(bringUpToDate(crds, manifests, how))).rejects.toMatchObject({
    reason: "DeadlineExceeded",
    message: "a is not served yet: see kubectl describe crd a",
  });
});

test("both CRDs of the driver are carried", () => {
  expect(carriedCrds().map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "CustomResourceDefinition secretproviderclasses.secrets-store.csi.x-k8s.io",
    "CustomResourceDefinition secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io",
  ]);
});
