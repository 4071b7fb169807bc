import { expect, test } from "vitest";
import { mountTmpfs, tmpfsBytes } from "../../../src/mount/tmpfs.ts";
import { createFakeKernel } from "../../fakes/kernel.ts";

test("a volume's tmpfs has room for two versions at the limits, rounded up to pages, and their links", () => {
  expect(tmpfsBytes({ contentBytes: 100, files: 3 }, 4096)).toBe(2 * (100 + 3 * 4096) + 3 * 4096);
});

test.each([
  [true, "size=8192,mode=0755,noswap"],
  [false, "size=8192,mode=0755"],
])("with noswap %s the options are %s, and the flags nosuid and nodev", (noswap, data) => {
  const kernel = createFakeKernel();
  expect(mountTmpfs(kernel, "/t", { bytes: 8192, noswap })).toBe(0);
  expect(kernel.calls).toEqual([`mount tmpfs /t 6 ${data}`]);
});
