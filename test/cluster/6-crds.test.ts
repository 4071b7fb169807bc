import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { apply, get, kubectl, type KubernetesObject } from "./kubectl.ts";
import { secretClass } from "./objects.ts";
import { install, releaseNamespace } from "./release.ts";
import { run, until } from "./shell.ts";

const classes = "secretproviderclasses.secrets-store.csi.x-k8s.io";
const statuses = "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io";

interface Crd extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & { readonly annotations?: Readonly<Record<string, string>> };
}

/** The CRD as it is, less one field: as an older version of the driver brought it, by kubectl. */
async function bringOlder(): Promise<void> {
  const text = await kubectl("get", "crd", classes, "-o", "json");
  const crd = JSON.parse(text) as Crd;
  const older = JSON.parse(text, (key, value: unknown) => {
    if (key === "annotations" && isSchema(value)) return undefined;
    return value;
  }) as object;
  const metadata = { ...crd.metadata, annotations: { "helm.sh/resource-policy": "keep" } };
  await run(["kubectl", "replace", "-f", "-"], JSON.stringify({ ...older, metadata }));
}

/** What kubectl tells of the field, or why it does not. */
function explanation(): Promise<string> {
  return kubectl("explain", "secretproviderclass.spec.secretObjects.annotations").catch(String);
}

function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "additionalProperties" in value;
}

function upgrade(): Promise<void> {
  return install(join(cluster.dir, "values.yaml"));
}

beforeAll(async () => {
  await apply(secretClass("kept", ["kept"]));
});

test("an upgrade brings a CRD of an older version up to date, and keeps the classes and what others noted on it", async () => {
  const before = await get("secretproviderclass", "kept");
  await bringOlder();
  // The API server tells its schemas a moment after it took them.
  await until("the field is unknown", async () => (await explanation()).includes("does not exist"));
  await upgrade();
  await until("the field is known", async () => (await explanation()).includes("Annotations of the Secret."));
  expect((await get<Crd>("crd", classes))?.metadata.annotations).toMatchObject({ "helm.sh/resource-policy": "keep" });
  expect((await get("secretproviderclass", "kept"))?.metadata.uid).toBe(before?.metadata.uid);
});

test("an upgrade brings a CRD that is missing: the right to create it is held by name, and suffices", async () => {
  await kubectl("delete", "crd", statuses, "--timeout=60s");
  await upgrade();
  const established = ["--for=condition=Established", `crd/${statuses}`, "--timeout=1s"];
  expect(await kubectl("wait", ...established)).toContain("condition met");
});

test("the hook leaves nothing behind", async () => {
  const kinds = "jobs,pods,serviceaccounts,clusterroles,clusterrolebindings";
  const label = "app=secrets-store-csi-driver-upgrade-crds";
  expect(await kubectl("get", kinds, "-n", releaseNamespace, "-l", label, "-o", "name")).toBe("");
});
