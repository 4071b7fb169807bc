import { expect, test } from "vitest";
import { parseReconcileFlags } from "../../../src/commands/reconcile-flags.ts";

test("the namespace of the release is all that must be said", () => {
  const { values, problems } = parseReconcileFlags(["--namespace=kube-system", "-v=3"]);
  expect(problems).toEqual([]);
  expect(values).toMatchObject({
    namespace: "kube-system",
    kubeconfig: "",
    v: 3,
    "health-addr": { port: 9808 },
    "metrics-addr": { port: 8898 },
  });
});

test.each([
  [[], ["--namespace is missing: --namespace=<namespace of the release>"]],
  [["--version"], []],
  [["--namespace=x", "--health-addr=nowhere"], [expect.stringContaining("health-addr") as string]],
])("%j has these problems: %j", (args, problems) => {
  expect(parseReconcileFlags(args).problems).toEqual(problems);
});
