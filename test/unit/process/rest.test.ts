import { beforeEach, describe, expect, test } from "vitest";
import { releaseAtRest } from "../../../src/process/rest.ts";
import { createFakeSchedule, type FakeSchedule } from "../../fakes/schedule.ts";

let schedule: FakeSchedule;
let used: number;
let releases: number;

beforeEach(() => {
  schedule = createFakeSchedule();
  used = 400;
  releases = 0;
  releaseAtRest(
    schedule,
    () => {
      releases += 1;
      used += 60;
    },
    () => used,
  );
});

/** Some milliseconds of work, and a look. */
async function work(ms: number): Promise<number> {
  used += ms;
  await schedule.run();
  return releases;
}

describe("memory is given back", () => {
  test("once after the start", async () => {
    expect(await work(5)).toBe(1);
    expect(await work(5)).toBe(1);
  });

  test("when a storm is over, and not while it lasts", async () => {
    await work(0);
    expect(await work(3_000)).toBe(1);
    expect(await work(2_000)).toBe(1);
    expect(await work(20)).toBe(2);
    expect(await work(0)).toBe(2);
  });

  test("after much that was done little by little", async () => {
    await work(0);
    for (const ms of [40, 40, 40, 40]) expect(await work(ms)).toBe(1);
    expect(await work(40)).toBe(2);
  });

  test("and what that takes counts as no work", async () => {
    for (const ms of [0, 0, 0, 0, 0]) await work(ms);
    expect(releases).toBe(1);
  });

  test("no more once it has ended", async () => {
    const ended = createFakeSchedule();
    await releaseAtRest(
      ended,
      () => (releases += 1),
      () => used,
    )[Symbol.asyncDispose]();
    await ended.run();
    expect(releases).toBe(0);
  });
});
