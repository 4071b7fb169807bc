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

test("a pass over volumes of a hundred classes, one after the other, reads each text once", () => {
  const read = createObjectsReader();
  const texts = Array.from({ length: 100 }, (_, index) => text.replace("a\\n", `a${index}\\n`));
  const first = texts.map((one) => read(one));
  expect(new Set(first.map(([object]) => object?.name)).size).toBe(100);
  expect(texts.map((one) => read(one)).every((objects, index) => objects === first[index])).toBe(true);
});

test("of texts that are as long as may be, four are held and no fifth", () => {
  const read = createObjectsReader();
  const texts = Array.from({ length: 5 }, (_, index) => `${text}#${String(index).repeat(255 * 1024)}`);
  const first = texts.map((one) => read(one));
  expect(read(texts[4] ?? "")).toBe(first[4]);
  expect(read(texts[1] ?? "")).toBe(first[1]);
  expect(read(texts[0] ?? "")).not.toBe(first[0]);
});
