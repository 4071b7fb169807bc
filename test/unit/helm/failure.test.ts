import { describe, expect, test } from "vitest";
import { failureOf } from "../../../src/helm/failure.ts";

const ref = { namespace: "kube-system", name: "akv" };

/** What helm 3.20 and 4.3 write, and what is made of it. */
const rows: readonly (readonly [stderr: string, exit: number, what: string, remedy: string])[] = [
  [
    'Error: Kubernetes cluster unreachable: Get "http://localhost:8080/version": dial tcp [::1]:8080: connect: connection refused',
    1,
    "no Kubernetes cluster answers",
    "--kube-context",
  ],
  [
    'Error: Kubernetes cluster unreachable: context "x" does not exist',
    1,
    "no Kubernetes cluster answers",
    "--kubeconfig",
  ],
  [
    "Error: the server has asked for the client to provide credentials",
    1,
    "the cluster does not know who asks",
    "log in",
  ],
  [
    "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
    1,
    "another operation on the extension is in progress",
    "helm rollback akv -n kube-system",
  ],
  [
    "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nazure-keyvault-csi:\n" +
      "- at '/secrets-store-csi-driver/rotationPollInterval': 'hunter2' does not match pattern '^x$'\n- at '/logVerbosity': maximum: got 99, want 10\n",
    2,
    "setting secrets-store-csi-driver.rotationPollInterval has a value that the chart does not take\n" +
      "setting logVerbosity has a value that the chart does not take",
    "docs/values.md",
  ],
  [
    "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nazure-keyvault-csi:\n" +
      "- at '/linux': validation failed\n  - at '/linux/podLabels/a': got number, want string\n  - at '/linux/env/0': missing property 'name'\n",
    2,
    "setting linux.podLabels.a has a value that the chart does not take\nsetting linux.env.0 has",
    "docs/values.md",
  ],
  [
    "Error: chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.20.0",
    1,
    "the cluster's Kubernetes is too old for the extension",
    "bring the cluster to Kubernetes 1.30.0 or later",
  ],
  [
    "Error: execution error at (azure-keyvault-csi/templates/values.yaml:2:4): \nlinux.x is no key of this chart\ny is no key of this chart",
    2,
    "linux.x is no key of this chart\ny is no key of this chart",
    "docs/values.md",
  ],
  [
    'Error: Unable to continue with install: CSIDriver "secrets-store.csi.k8s.io" in namespace "" exists and cannot be imported into the current release: invalid ownership metadata',
    1,
    "the cluster has a CSIDriver secrets-store.csi.k8s.io already that is not the extension's",
    "kubectl get csidriver secrets-store.csi.k8s.io",
  ],
  [
    'Error: list: failed to list: secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" at the cluster scope',
    1,
    'you have not the right: User "jane" cannot list resource "secrets" in API group ""',
    "cluster-admin",
  ],
  [
    "Error: UPGRADE FAILED: timed out waiting for the condition",
    1,
    "the extension did not get ready in time",
    "-n kube-system",
  ],
  [
    "Error: failed pre-install: 1 error occurred:\n\t* job x failed: BackoffLimitExceeded",
    1,
    "did not get ready",
    "kubectl get",
  ],
  ["WARNING: x\nError: something new\nmore", 1, "helm failed: something new", "helm history akv -n kube-system"],
  ["", 1, "helm failed: it does not say why", "helm history"],
];

test.each(rows)("%s", (stderr, exit, what, remedy) => {
  const failure = failureOf(stderr, { ref });
  expect(failure.exit).toBe(exit);
  expect(failure.message).toContain(what);
  expect(failure.remedy).toContain(remedy);
  expect(`${failure.message}${failure.remedy}`).not.toContain("hunter2");
});

describe("what was given as secret is in no message", () => {
  test.each([
    ["hunter2", "Error: cannot parse hunter2"],
    ['a"b\\c', String.raw`Error: invalid "a\"b\\c"`],
    ["first line is long\nsecond line is long", "Error: bad: second line is long"],
    ["http://u:p@h", "Error: execution error at (x.yaml:1): http://u:p@h is no address"],
  ])("%j", (secret, stderr) => {
    const { message, remedy } = failureOf(stderr, { ref, secrets: [secret] });
    for (const line of [secret, ...secret.split("\n"), JSON.stringify(secret).slice(1, -1)])
      expect(`${message}${remedy}`).not.toContain(line);
    expect(message).toContain("…");
  });
});
