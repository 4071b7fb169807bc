import { expect, test } from "vitest";
import { cluster } from "./cluster.ts";
import { list, type KubernetesObject } from "./kubectl.ts";
import { rightsUsed } from "./rights.ts";

interface Role extends KubernetesObject {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
interface Binding extends KubernetesObject {
  readonly roleRef: { readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

/** What every binding of the cluster gives to the plugin's service account, as `verb resource.group`. */
async function rightsGiven(): Promise<readonly string[]> {
  const bindings = await list<Binding>("clusterrolebindings");
  const ours = bindings.filter(({ subjects = [] }) =>
    subjects.some(({ kind, name }) => kind === "ServiceAccount" && name === "secrets-store-csi-driver"),
  );
  const names = new Set(ours.map(({ roleRef }) => roleRef.name));
  const roles = (await list<Role>("clusterroles")).filter(({ metadata }) => names.has(metadata.name));
  return roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      verbs.flatMap((verb) =>
        resources.flatMap((resource) => apiGroups.map((group) => `${verb} ${resource}.${group}`)),
      ),
    ),
  );
}

test("the rights that were used in all of these tests are those that the chart gives, but for delete", async () => {
  const used = await rightsUsed(cluster.dir);
  // The API server asks for `patch` before it knows that an apply creates.
  const creates = [...used].filter((right) => right.startsWith("create "));
  const needed = new Set([...used, ...creates.map((right) => right.replace("create ", "patch "))]);
  const given = await rightsGiven();
  console.log(`rights used: ${[...used].toSorted().join(", ")}`);
  // OwnerReferencesPermissionEnforcement asks for it before owner references may be set; nothing is ever deleted.
  const unused = ["delete secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io"];
  expect([...needed, ...unused].toSorted()).toEqual(given.toSorted());
});
