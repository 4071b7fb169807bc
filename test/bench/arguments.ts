import { parseArgs } from "node:util";
import { parseSettings, type Settings } from "./simulation/settings.ts";
import { UsageError } from "./usage.ts";

/** A plugin of somebody else that is measured in the same run. */
export interface Other {
  readonly socketPath: string;
  readonly pids: readonly number[];
  readonly root: string;
}

export interface BenchArguments {
  /** An emulator of our own so far away, or the directory of one that runs already. */
  readonly cloud: { readonly rttMs: number } | { readonly emulator: string };
  readonly rounds: number;
  readonly settleMs: number;
  /** Names of rows; empty: all. */
  readonly only: readonly string[];
  readonly json?: string;
  readonly vs?: Other;
  /** A cluster to play, in place of all rows. */
  readonly simulate?: Settings;
}

const options = {
  rtt: { type: "string" },
  rounds: { type: "string", default: "3" },
  settle: { type: "string", default: "30" },
  only: { type: "string", default: "" },
  json: { type: "string" },
  simulate: { type: "string" },
  emulator: { type: "string" },
  vs: { type: "string" },
  "vs-pids": { type: "string" },
  "vs-root": { type: "string" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options; args: string[] }>>["values"];

/** Reads the command line; `rows` are the names that --only takes. */
export function parseArguments(args: readonly string[], rows: readonly string[]): BenchArguments {
  const { emulator, json, simulate, ...values } = readFlags(args);
  if (emulator !== undefined && values.rtt !== undefined)
    throw usage("--rtt is decided by the emulator that runs in --emulator", "start that one with --rtt");
  const vs = parseOther(values);
  if (vs !== undefined && emulator === undefined)
    throw usage("--vs needs --emulator DIR", "start the emulator first, then the other plugin on DIR/kubeconfig");
  return {
    cloud: emulator === undefined ? { rttMs: parseNumber("rtt", values.rtt ?? "10", 0) } : { emulator },
    rounds: parseNumber("rounds", values.rounds, 1),
    settleMs: parseNumber("settle", values.settle, 0) * 1000,
    only: parseNames(values.only, rows),
    ...(json !== undefined && { json }),
    ...(vs && { vs }),
    ...(simulate !== undefined && { simulate: parseSettings(simulate) }),
  };
}

function readFlags(args: readonly string[]): Values {
  try {
    return parseArgs({ options, args: [...args] }).values;
  } catch (error) {
    throw usage(
      (error as Error).message.split(/\.\s/)[0] ?? "",
      `the flags are --${Object.keys(options).join(", --")}`,
    );
  }
}

function parseNumber(flag: string, text: string, least: number): number {
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw usage(`--${flag}=${text} is no whole number from ${least}`, `write --${flag} ${Math.max(least, 3)}`);
  return Number(text);
}

function parseNames(text: string, known: readonly string[]): readonly string[] {
  const names = text.split(",").filter((name) => name !== "");
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length > 0) throw usage(`there is no row ${strange.join(", ")}`, `the rows are ${known.join(", ")}`);
  return names;
}

function parseOther({ vs, "vs-pids": pids, "vs-root": root = "/var/lib/kubelet" }: Values): Other | undefined {
  if (vs === undefined && pids === undefined) return undefined;
  if (vs === undefined || pids === undefined || !/^\d+(,\d+)*$/.test(pids))
    throw usage("--vs and --vs-pids go together", "write --vs SOCKET --vs-pids PID[,PID]");
  return { socketPath: vs, pids: pids.split(",").map(Number), root };
}

function usage(what: string, remedy: string): UsageError {
  return new UsageError(`bench: ${what}\nTry: ${remedy}`);
}
