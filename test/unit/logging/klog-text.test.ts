import { expect, test } from "vitest";
import { toKlogText } from "../../../src/logging/klog-text.ts";

const header = /^[IWE]\d{4} \d{2}:\d{2}:\d{2}\.\d{6} +\d+ \S+\] /;
const at = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

test.each([
  ["info", "I"],
  ["warn", "W"],
  ["error", "E"],
  ["another", "I"],
])("a line of level %s begins with klog's header %s and local time", (level, letter) => {
  const line = toKlogText({ level, ts: at, msg: "hello" }, 42);
  expect(line).toBe(`${letter}0102 03:04:05.006000      42 csi] "hello"\n`);
  expect(line).toMatch(header);
});

test("fields follow the message, strings quoted, without the verbosity", () => {
  const line = toKlogText({ level: "info", ts: at, v: 5, msg: "m", pod: "a/b", count: 3, ok: true }, 42);
  expect(line).toMatch(/\] "m" pod="a\/b" count=3 ok=true\n$/);
});

test("no text begins a line of its own", () => {
  const forged = 'x"\nE0102 03:04:05.006000      42 csi] "forged"\r\n';
  const line = toKlogText({ level: "info", ts: at, msg: forged, err: forged }, 42);
  expect(line.trimEnd()).not.toMatch(/[\r\n]/);
});

test("an empty record is a line all the same", () => {
  expect(toKlogText({}, 1)).toMatch(header);
});
