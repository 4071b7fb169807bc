import { beforeEach, describe, expect, test } from "vitest";
import type { PodEvent } from "../../../src/model.ts";
import { createNotices, isWorthSaying, type Notices, type Said } from "../../../src/rotation/notices.ts";
import { createFakeLog, type FakeLog } from "../../fakes/log.ts";
import { createFakeEvents, type FakeEvents } from "../../fakes/ports.ts";
import { aVolume } from "../../fakes/volumes.ts";

const at = (minutes: number): number => minutes * 60_000;
const [a, b] = [1, 2];
const failure: PodEvent = { type: "Warning", reason: "MountRotationFailed", message: "vault is down" };
const recovery: PodEvent = { type: "Normal", reason: "MountRotationComplete", message: "is up to date again" };

describe("a message", () => {
  test.each([
    ["that was never said is worth saying", [], true],
    ["that was said 29 minutes ago is not", [{ words: a, atMs: at(31) }], false],
    ["that was said 30 minutes ago is again: its event must not expire", [{ words: a, atMs: at(30) }], true],
    ["is worth saying after others", [{ words: b, atMs: at(59) }], true],
    ["is when it was overcome meanwhile", [{ words: undefined, atMs: at(59) }], true],
    ["is not after ten others within the hour", others(10, at(1)), false],
    [
      "is not after ten that were overcome, either",
      others(10, at(1)).map(({ atMs }) => ({ words: undefined, atMs })),
      false,
    ],
    ["is after ten others an hour ago", others(10, at(0)), true],
  ])("%s", (_name, said, worth) => {
    expect(isWorthSaying(said, a, at(60))).toBe(worth);
  });
});

function others(count: number, atMs: number): Said[] {
  return Array.from({ length: count }, (_, index) => ({ words: b + index, atMs }));
}

describe("notices", () => {
  let now: number;
  let events: FakeEvents;
  let log: FakeLog;
  let notices: Notices;

  beforeEach(() => {
    now = at(0);
    events = createFakeEvents();
    log = createFakeLog();
    notices = createNotices(events, () => now, log);
  });

  test("of a vault that is down for an hour are a handful for each pod, in the log as well", () => {
    for (let pass = 0; pass < 30; pass += 1) {
      now = at(pass * 2);
      notices.record(aVolume.pod, failure);
    }
    expect(events.recorded).toHaveLength(2);
    expect(log.lines).toEqual(
      [1, 2].map(() => `ERROR vault is down ${JSON.stringify({ pod: "shop/web-0", reason: "MountRotationFailed" })}`),
    );
  });

  test("of one pod say nothing of another, and of one reason nothing of another", () => {
    notices.record(aVolume.pod, failure);
    notices.record({ ...aVolume.pod, uid: "other" }, failure);
    notices.record(aVolume.pod, { ...failure, reason: "FailedToCreateSecret" });
    notices.record(aVolume.pod, { type: "Normal", reason: "MountRotationComplete", message: "rotated" });
    expect(events.recorded).toHaveLength(4);
    expect(log.lines.at(-1)).toMatch(/^INFO rotated/);
  });

  test("whose words change each time are bounded, too", () => {
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      now = at(minute);
      notices.record(aVolume.pod, { ...failure, message: `fault number ${minute}` });
    }
    expect(events.recorded.length).toBeLessThanOrEqual(24 * 10);
  });

  test("of a fault that comes and goes end with what is so", () => {
    for (let minute = 2; minute < 30; minute += 2) {
      now = at(minute);
      if (minute === 6) notices.record(aVolume.pod, recovery);
      if (minute < 6 || minute >= 10) notices.record(aVolume.pod, failure);
    }
    expect(events.recorded.map(({ message }) => message)).toEqual([failure, recovery, failure].map((e) => e.message));
  });

  test("of a fault that comes and goes all the time are bounded", () => {
    for (let minute = 0; minute < 60; minute += 1) {
      now = at(minute);
      notices.record(aVolume.pod, minute % 2 === 0 ? failure : recovery);
    }
    expect(events.recorded.filter(({ type }) => type === "Warning")).toHaveLength(10);
  });

  test.each([
    ["MountRotationComplete", "MountRotationFailed", true],
    ["SecretRotationComplete", "SecretRotationFailed", true],
    ["SecretRotationComplete", "FailedToCreateSecret", true],
    ["SecretRotationComplete", "MountRotationFailed", false],
    ["MountRotationComplete", "FailedToCreateSecret", false],
  ] as const)("%s makes %s news again: %s", (overcame, reason, isNews) => {
    const trouble = { ...failure, reason };
    notices.record(aVolume.pod, trouble);
    notices.record({ ...aVolume.pod, uid: "other" }, trouble);
    notices.record(aVolume.pod, { ...recovery, reason: overcame });
    events.recorded.length = 0;
    notices.record(aVolume.pod, trouble);
    expect(events.recorded).toHaveLength(isNews ? 1 : 0);
    notices.record({ ...aVolume.pod, uid: "other" }, trouble);
    expect(events.recorded).toHaveLength(isNews ? 1 : 0);
  });

  test("of what went well are all told, so that the last version is", () => {
    for (let pass = 0; pass < 30; pass += 1) {
      now = at(pass * 2);
      notices.record(aVolume.pod, { ...recovery, message: `password is version ${pass}` });
    }
    expect(events.recorded).toHaveLength(30);
    expect(log.lines).toHaveLength(30);
    expect(notices.remembered()).toBe(0);
  });

  test("of a talkative pod are not remembered for longer than an hour", () => {
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      now = at(minute);
      notices.record(aVolume.pod, { ...failure, message: `fault number ${minute}` });
      expect(notices.remembered()).toBeLessThanOrEqual(10);
    }
  });

  test("forget whom they spoke of longest ago: their memory is bounded", () => {
    const podOf = (index: number) => ({ ...aVolume.pod, uid: String(index) });
    for (let pod = 0; pod <= 2_000; pod += 1) notices.record(podOf(pod), failure);
    expect(notices.remembered()).toBe(2_000);
    events.recorded.length = 0;
    notices.record(podOf(2_000), failure);
    expect(events.recorded).toEqual([]);
    notices.record(podOf(0), failure);
    expect(events.recorded).toHaveLength(1);
  });

  test("forget pods of which nothing was said for an hour, and of the others keep no words", () => {
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      now = at(minute);
      notices.record({ ...aVolume.pod, uid: String(minute) }, failure);
      expect(notices.remembered()).toBe(Math.min(minute + 1, 60));
    }
  });
});
