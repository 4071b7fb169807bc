import { expect, test } from "vitest";
import type { Logger } from "../../../src/log.ts";
import { createLogger } from "../../../src/logging/logger.ts";

interface Sinks {
  readonly log: Logger;
  readonly stdout: string[];
  readonly stderr: string[];
}

function logger(json: boolean, verbosity = 0): Sinks {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const sink = (lines: string[]) => ({ write: (line: string) => lines.push(line) });
  return { stdout, stderr, log: createLogger({ json, verbosity, stdout: sink(stdout), stderr: sink(stderr) }) };
}

test("text goes to stderr, under klog's header", () => {
  const { log, stdout, stderr } = logger(false);
  log.info("started", { node: "n" });
  log.warn("odd");
  log.error("failed", { err: "EIO" });
  expect(stdout).toEqual([]);
  expect(stderr.map((line) => line.replace(/^(.)[^\]]*\]/, "$1"))).toEqual([
    'I "started" node="n"\n',
    'W "odd"\n',
    'E "failed" err="EIO"\n',
  ]);
});

test("JSON goes to stdout, errors to stderr alone", () => {
  const { log, stdout, stderr } = logger(true);
  const before = Date.now();
  log.info("started", { node: "n" });
  log.warn("odd");
  log.error("failed", { err: "EIO" });
  const [started, odd, ...more] = stdout.map(parsed);
  expect(started).toMatchObject({ v: 0, msg: "started", node: "n" });
  expect(Number(started?.["ts"])).toBeGreaterThanOrEqual(before);
  expect(odd).toMatchObject({ msg: "odd" });
  expect(more).toEqual([]);
  expect(stderr.map(parsed)).toEqual([expect.objectContaining({ msg: "failed", err: "EIO" })]);
});

test.each([
  [0, ["always"]],
  [4, ["always", "decided"]],
  [5, ["always", "decided", "each call"]],
])("verbosity %i shows what is asked for", (verbosity, shown) => {
  const { log, stdout } = logger(true, verbosity);
  log.info("always");
  log.info("decided", {}, 2);
  log.info("each call", {}, 5);
  expect(stdout.map((line) => parsed(line)["msg"])).toEqual(shown);
});

test.each([true, false])("a message with line ends is one line (JSON: %s)", (json) => {
  const { log, stderr } = logger(json);
  log.error("a\nb", { err: "c\r\nE0101 forged" });
  expect(stderr).toHaveLength(1);
  expect(stderr[0]?.trimEnd()).not.toMatch(/[\r\n]/);
});

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}
