import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createObjectsReader } from "../../../../src/provider/azure/objects-reader.ts";
import { parseObjects } from "../../../../src/provider/azure/objects.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const text = 'array:\n  - "objectName: a\\nobjectType: secret"\n';

test("volumes with the same text share what it says", () => {
  const read = createObjectsReader();
  expect(read(text, 0o600)).toEqual(parseObjects(text, 0o600));
  expect(read(text, 0o600)).toBe(read(text, 0o600));
});

test("another mode for files is another reading of the same text", () => {
  const read = createObjectsReader();
  expect(read(text).map(({ mode }) => mode)).toEqual([0o644]);
  expect(read(text, 0o600).map(({ mode }) => mode)).toEqual([0o600]);
});

test("what is wrong with a text is told each time", () => {
  const read = createObjectsReader();
  for (let n = 0; n < 2; n += 1) expect(() => read("")).toThrow("objects is not set");
});

test("ten seconds after a text was wanted last, nothing of it is held", () => {
  const read = createObjectsReader();
  const before = read(text);
  vi.advanceTimersByTime(10_001);
  expect(read(text)).not.toBe(before);
});
