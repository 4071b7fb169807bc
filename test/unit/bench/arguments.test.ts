import { expect, test } from "vitest";
import { parseArguments } from "../../bench/arguments.ts";
import { UsageError } from "../../bench/usage.ts";

const rows = ["storm", "start"];

test("by default every row is measured three times at a round trip of 10 ms", () => {
  expect(parseArguments([], rows)).toEqual({ cloud: { rttMs: 10 }, rounds: 3, settleMs: 30000, only: [] });
});

test("everything can be chosen", () => {
  const words = ["--rtt", "0", "--rounds=1", "--settle", "30", "--only", "start,storm", "--json", "out.json"];
  const expected = { cloud: { rttMs: 0 }, rounds: 1, settleMs: 30_000, only: ["start", "storm"], json: "out.json" };
  expect(parseArguments(words, rows)).toEqual(expected);
});

test("another plugin is measured on an emulator that it has been started with", () => {
  const words = ["--emulator", "dir", "--vs", "/csi.sock", "--vs-pids", "7,8"];
  expect(parseArguments(words, rows)).toMatchObject({
    cloud: { emulator: "dir" },
    vs: { socketPath: "/csi.sock", pids: [7, 8], root: "/var/lib/kubelet" },
  });
});

test.each([
  ["--strange", "Unknown option '--strange'"],
  ["storm", "Unexpected argument 'storm'"],
  ["--rtt=ten", "--rtt=ten is no whole number from 0"],
  ["--rounds=0", "--rounds=0 is no whole number from 1"],
  ["--settle=-1", "--settle=-1 is no whole number from 0"],
  ["--only=storm,stern", "there is no row stern"],
  ["--vs=/csi.sock", "--vs and --vs-pids go together"],
  ["--vs-pids=7", "--vs and --vs-pids go together"],
  ["--vs=/csi.sock --vs-pids=seven", "--vs and --vs-pids go together"],
  ["--vs=/csi.sock --vs-pids=7", "--vs needs --emulator DIR"],
  ["--emulator=dir --rtt=10", "--rtt is decided by the emulator that runs in --emulator"],
])("%s is refused by one line, with a remedy on a second", (words, complaint) => {
  const parse = (): unknown => parseArguments(words.split(" "), rows);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(new RegExp(String.raw`^bench: ${complaint}\nTry: [^\n]+$`));
});
