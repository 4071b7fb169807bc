import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const program = `
  import { loadReleaseMemory } from "./src/process/memory.ts";
  const release = await loadReleaseMemory();
  let garbage = Array.from({ length: 400_000 }, (_, n) => ({ n, text: String(n).repeat(5) }));
  garbage = undefined;
  const before = process.memoryUsage.rss();
  release();
  console.log(before - process.memoryUsage.rss());
`;

test("garbage goes back to the node", () => {
  const args = ["--expose-gc", "--input-type=module", "--eval", program];
  const freed = Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
  expect(freed).toBeGreaterThan(10 * 1024 * 1024);
});

test("without --expose-gc there is less to give back, and nothing fails", () => {
  execFileSync(process.execPath, ["--input-type=module", "--eval", program]);
});
