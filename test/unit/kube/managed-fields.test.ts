import { expect, test } from "vitest";
import { isAltered } from "../../../src/kube/managed-fields.ts";

const values = { "f:data": { ".": {}, "f:password": {} } };
const labels = { "f:metadata": { "f:labels": {} } };

/** Entries as `manager second`, of values unless another field is given. */
function entry(manager: string, second: number, fieldsV1: object = values): object {
  return { manager, operation: "Update", time: `2026-01-01T00:00:0${second}Z`, fieldsV1 };
}

test.each([
  ["nothing is recorded", undefined, false],
  ["what is recorded makes no sense", "?", false],
  ["only we wrote", [entry("us", 1)], false],
  ["another wrote a value after us", [entry("us", 1), entry("kubectl-edit", 2)], true],
  ["another wrote a value in the second in which we did", [entry("us", 1), entry("kubectl-edit", 1)], true],
  [
    "another wrote a value before us, which we found good",
    [entry("secrets-store-csi-driver", 1), entry("us", 2)],
    false,
  ],
  ["another wrote a label after us", [entry("us", 1), entry("kubectl-label", 2, labels)], false],
  ["we never wrote", [entry("kubectl-create", 1)], true],
  ["another wrote at no time that is known", [entry("us", 1), { manager: "x", fieldsV1: values }], false],
])("where %s: %#", (_name, managedFields, altered) => {
  expect(isAltered({ metadata: { managedFields } }, "us")).toBe(altered);
});
