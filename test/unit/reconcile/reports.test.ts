import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { ObjectEvent } from "../../../src/release-model.ts";
import { createReports, type Reports } from "../../../src/reconcile/reports.ts";
import { createFakeLog, type FakeLog } from "../../fakes/log.ts";
import { account, daemonSet as deployment, role } from "../../fakes/reconciled.ts";

let events: ObjectEvent[];
let counted: string[];
let log: FakeLog;
let reports: Reports;

beforeEach(() => {
  events = [];
  counted = [];
  log = createFakeLog();
  reports = createReports({
    log,
    events: {
      record: (_, event) => {
        events.push(event);
      },
    },
    metrics: {
      restored: ({ how, name }) => {
        counted.push(`${how} ${name}`);
      },
      failed: ({ name }) => {
        counted.push(`failed ${name}`);
      },
      holds: (count) => {
        counted.push(`holds ${count}`);
      },
    },
  });
});

const messages = (): readonly string[] => events.map(({ reason, message }) => `${reason}: ${message}`);

describe("what was restored is told", () => {
  const many = ["spec.a", "spec.b", "spec.c", "spec.d", "spec.e", "spec.f", "spec.g"];

  test.each([
    ["created", [], "ClusterRole plugin-role had been deleted, and is back"],
    ["replaced", [], "ClusterRole plugin-role had another value where none may be changed, and was made anew"],
    ["changed", ["rules"], "ClusterRole plugin-role had been changed, and is back: rules"],
    [
      "changed",
      many,
      "ClusterRole plugin-role had been changed, and is back: spec.a, spec.b, spec.c, spec.d, spec.e and 2 more",
    ],
  ] as const)("as %s, by fields and no values: %j", (how, paths, message) => {
    reports.restored(deployment, role, { how, paths });
    expect(messages()).toEqual([`Restored: ${message}`]);
    expect(log.lines).toEqual([`INFO ${message} {}`]);
    expect(counted).toEqual([`${how} plugin-role`]);
  });

  test("with the namespace of what is in one", () => {
    reports.restored(deployment, account, { how: "created", paths: [] });
    expect(messages()).toEqual(["Restored: ServiceAccount kube-system/plugin had been deleted, and is back"]);
  });
});

describe("trouble is told once", () => {
  const fail = (text: string): void => {
    reports.failed(deployment, role, new DriverError("PermissionDenied", text));
  };

  test("until it is another, or was over; it is counted each time", () => {
    for (const text of ["no", "no", "never"]) fail(text);
    reports.fine(role);
    fail("never");
    const begin = "RestoreFailed: ClusterRole plugin-role could not be restored:";
    expect(messages()).toEqual([`${begin} no`, `${begin} never`, `${begin} never`]);
    expect(counted).toEqual(Array<string>(4).fill("failed plugin-role"));
  });

  test("and of what nobody foresaw nothing is quoted", () => {
    reports.failed(deployment, role, new Error("secret"));
    expect(messages()).toEqual(["RestoreFailed: ClusterRole plugin-role could not be restored: internal error"]);
  });

  test("so is that nothing is restored, and that it is over", () => {
    reports.standsDown(deployment, "gone");
    reports.standsDown(deployment, "gone");
    reports.holds(3);
    reports.holds(3);
    expect(messages()).toEqual(["StandsDown: Nothing is restored: gone"]);
    expect(log.lines).toEqual(["WARN Nothing is restored: gone {}", "INFO Objects are restored again {}"]);
    expect(counted).toEqual(["holds 0", "holds 0", "holds 3", "holds 3"]);
  });

  test("in the log alone where there is no Deployment to tell it at", () => {
    reports.standsDown(undefined, "Deployment is not there");
    expect(events).toEqual([]);
    expect(log.lines).toHaveLength(1);
  });
});
