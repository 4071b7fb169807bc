import { expect, test } from "vitest";
import { liftStartupTaint } from "../../../src/commands/node-taint.ts";
import { DriverError } from "../../../src/errors.ts";
import { createFakeLog } from "../../fakes/log.ts";
import { createFakeSchedule } from "../../fakes/schedule.ts";

/** A node whose API server gives these answers, one after another, and then no more. */
function lift(answers: readonly ("removed" | "absent" | DriverError)[]) {
  const schedule = createFakeSchedule();
  const log = createFakeLog();
  const asked: string[] = [];
  const state = { ready: false };
  const nodes = {
    removeTaint: (name: string, key: string) => {
      const answer = answers[asked.length];
      asked.push(`${name} ${key}`);
      if (answer === undefined) throw new Error("asked too often");
      return answer instanceof DriverError ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const node = { name: "node-1", taint: "example.com/wait", isReady: () => state.ready };
  const lifting = liftStartupTaint(node, nodes, schedule, log);
  return { schedule, log, asked, state, lifting };
}

test("the taint stays until the plugin is ready, and is then asked for once", async () => {
  const { schedule, asked, state } = lift(["removed"]);
  await schedule.run();
  expect(asked).toEqual([]);
  state.ready = true;
  await schedule.run();
  await schedule.run();
  expect(asked).toEqual(["node-1 example.com/wait"]);
});

test("it is tried again until it succeeded, and a failure is told once", async () => {
  const away = new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached (ECONNREFUSED)");
  const { schedule, log, asked, state } = lift([away, away, new DriverError("Busy", "changed"), "absent"]);
  state.ready = true;
  for (let run = 0; run < 20; run += 1) await schedule.run();
  expect(asked).toHaveLength(4);
  expect(log.lines.filter((line) => line.includes("stays for now"))).toHaveLength(2);
});

test("while it fails, it is asked for less and less often, and in the end each minute", async () => {
  const absent = new DriverError("InvalidRequest", 'there is no node "node-1"');
  const { schedule, asked, state } = lift(Array.from({ length: 20 }, () => absent));
  state.ready = true;
  const askedAt: number[] = [];
  for (let second = 0; second < 250; second += 1) {
    const before = asked.length;
    await schedule.run();
    if (asked.length > before) askedAt.push(second);
  }
  expect(askedAt).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
});

test("nothing is tried any more once the plugin stops", async () => {
  const { schedule, asked, state, lifting } = lift([]);
  state.ready = true;
  await lifting[Symbol.asyncDispose]();
  await schedule.run();
  expect(asked).toEqual([]);
});
