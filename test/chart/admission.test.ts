import { describe, expect, test } from "vitest";
import { render } from "./helm.ts";

const driver = "secrets-store-csi-driver";
const policyOf = (values = {}, options = {}) => render(values, options).get("ValidatingAdmissionPolicy", driver).spec;

test("the policy is about the plugin's service account in the release's namespace, and nobody else", () => {
  expect(policyOf({}, { namespace: "vaults" })?.matchConditions).toEqual([
    {
      name: "by-the-plugin",
      expression: 'request.userInfo.username == "system:serviceaccount:vaults:secrets-store-csi-driver"',
    },
  ]);
});

test("the plugin waits rather than go unfenced: what the policy cannot judge is refused", () => {
  expect(policyOf()?.failurePolicy).toBe("Fail");
});

test("Secrets that are tokens are refused unless the plugin may make them", () => {
  const messages = (values = {}) => policyOf(values)?.validations?.map(({ message }) => message) ?? [];
  const tokens = expect.stringContaining("tokens of this cluster") as string;
  expect(messages()).toContainEqual(tokens);
  expect(messages({ [driver]: { syncSecret: { allowTokenTypes: true } } })).not.toContainEqual(tokens);
});

test.each([
  [{}, true],
  [{ admissionPolicy: { enabled: false } }, false],
  [{ admissionPolicy: { enabled: false, deleteWithout: true } }, true],
])("the right to delete comes with the policy, or on demand: %j", (values, given) => {
  const rendered = render({ ...values, [driver]: { syncSecret: { enabled: true } } });
  const roles = ["secretproviderclasses-role", "secretprovidersyncing-role"];
  const verbs = roles.flatMap((name) => (rendered.get("ClusterRole", name).rules ?? []).flatMap((rule) => rule.verbs));
  expect(verbs.includes("delete")).toBe(given);
});

test("the right to change nodes comes with the policy only", () => {
  const startupTaint = "example.com/wait";
  const admissionPolicy = { enabled: false, deleteWithout: true };
  expect(() => render({ startupTaint, admissionPolicy })).toThrow("startupTaint needs admissionPolicy.enabled=true");
  const own = { rbac: { install: false } };
  expect(() => render({ startupTaint, admissionPolicy, [driver]: own })).not.toThrow();
});

describe("a startup taint that would keep the plugin away, too, is refused", () => {
  const startupTaint = "example.com/wait";
  const none: readonly unknown[] = [];

  test.each([
    [none, false],
    [[{ key: "other", operator: "Exists" }], false],
    [[{ key: "other", operator: "Exists" }, { operator: "Exists" }], true],
    [[{ key: startupTaint, operator: "Exists", effect: "NoSchedule" }], true],
  ])("tolerations %j: taken %s", (tolerations, taken) => {
    for (const linux of [{ linux: { tolerations } }, { [driver]: { linux: { tolerations } } }]) {
      const rendering = expect(() => render({ startupTaint, ...linux }));
      (taken ? rendering.not : rendering).toThrow("no toleration fits it");
      expect(() => render(linux)).not.toThrow();
    }
  });
});

test("it can be switched off, and goes with the service account", () => {
  for (const values of [{ admissionPolicy: { enabled: false } }, { [driver]: { rbac: { install: false } } }])
    expect(render(values).objects.map(({ kind }) => kind)).not.toContain("ValidatingAdmissionPolicy");
});
