import { join } from "node:path";
import { expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { list, type KubernetesObject } from "./kubectl.ts";
import { install } from "./release.ts";
import { rightsUsed } from "./rights.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
interface Role extends KubernetesObject {
  readonly rules: readonly Rule[];
}
interface Binding extends KubernetesObject {
  readonly roleRef: { readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

/** What every binding of the cluster gives to the plugin's service account, as `verb resource.group`. */
async function rightsGiven(): Promise<readonly string[]> {
  const bindings = [...(await list<Binding>("clusterrolebindings")), ...(await list<Binding>("rolebindings", "-A"))];
  const ours = bindings.filter(({ subjects = [] }) =>
    subjects.some(({ kind, name }) => kind === "ServiceAccount" && name === "secrets-store-csi-driver"),
  );
  const names = new Set(ours.map(({ roleRef }) => roleRef.name));
  const roles = [...(await list<Role>("clusterroles")), ...(await list<Role>("roles", "-A"))];
  return roles.filter(({ metadata }) => names.has(metadata.name)).flatMap(({ rules }) => rules.flatMap(rightsOf));
}

function rightsOf({ apiGroups, resources, verbs }: Rule): readonly string[] {
  const named = resources.flatMap((name) => apiGroups.map((group) => (group === "" ? name : `${name}.${group}`)));
  return verbs.flatMap((verb) => named.map((resource) => `${verb} ${resource}`));
}

test("the rights that were used in all of these tests are those that the chart gives, but for delete", async () => {
  const used = await rightsUsed(cluster.dir);
  // As it was for the tests of rotation, Secrets and taints: everything is on.
  const driver = "secrets-store-csi-driver";
  await install(join(cluster.dir, "values.yaml"), [
    `${driver}.enableSecretRotation=true`,
    `${driver}.syncSecret.enabled=true`,
    "startupTaint=secrets-store.csi.k8s.io/agent-not-ready",
  ]);
  const given = await rightsGiven();
  console.log(`rights used: ${[...used].toSorted().join(", ")}`);
  const needNotBeUsed = [
    // OwnerReferencesPermissionEnforcement asks for it before an owner may change (2-volumes); nothing is ever deleted.
    "delete secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io",
    "delete secrets",
    // Whether the same words are said twice of one pod depends on how fast this machine is.
    "patch events",
  ];
  expect(given).toEqual(expect.arrayContaining([...used]));
  expect(needNotBeUsed).toEqual(expect.arrayContaining(given.filter((right) => !used.has(right))));
});
