import { expect, test } from "vitest";
import { loadKernel, readStatx } from "../../../src/mount/kernel.ts";

function statx(mode: number, attributes: bigint, known: bigint): Buffer {
  const answer = Buffer.alloc(256);
  const view = new DataView(answer.buffer, answer.byteOffset);
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  view.setUint16(28, mode, little);
  view.setBigUint64(8, attributes, little);
  view.setBigUint64(56, known, little);
  return answer;
}

test("the kernel's answer tells mode and mount", () => {
  expect(readStatx(statx(0o40755, 0x2000n, 0x2000n))).toEqual({ mode: 0o40755, isMountRoot: true });
  expect(readStatx(statx(0o40750, 0x10n, 0x203000n))).toEqual({ mode: 0o40750, isMountRoot: false });
});

test("a kernel that does not know of mounts says neither yes nor no", () => {
  expect(readStatx(statx(0o40755, 0n, 0x1000n)).isMountRoot).toBeUndefined();
});

test("the real kernel knows the root of /proc for a mount, and answers errnos", async () => {
  const kernel = await loadKernel();
  expect(kernel.statx("/proc")).toMatchObject({ isMountRoot: true });
  expect(kernel.statx("/proc/self/nothing")).toBe(2);
  expect(kernel.pageSize).toBeGreaterThanOrEqual(4096);
});
