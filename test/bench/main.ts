/**
 * Measures the built program from outside, through its CSI socket, in front of the emulator in a process of its own:
 *   npm run bench -- [--rtt MS] [--rounds N] [--settle SECONDS] [--only ROW,…] [--json FILE]
 * and another CSI plugin in the same run, which has been started on the files of an emulator that runs already:
 *   npm run bench -- --emulator DIR --vs SOCKET --vs-pids PID,… [--vs-root DIR]
 * Or plays a large cluster on a clock of its own, and counts what it asks of Azure and of the API server in an hour:
 *   npm run bench -- --simulate nodes=1000,pods=30000,classes=500
 * It prints figures and judges none of them.
 */
import { writeFile } from "node:fs/promises";
import { parseArguments, type BenchArguments } from "./arguments.ts";
import { lookAtMachine, type Machine } from "./machine.ts";
import { marks } from "./marks.ts";
import { columnOf, measureRounds, type Measurement } from "./rounds.ts";
import type { Row } from "./row.ts";
import { allRows } from "./rows.ts";
import { report } from "./simulation/report.ts";
import { simulate } from "./simulation/simulate.ts";
import { layTable } from "./table.ts";
import { createTheatre, type Theatre } from "./theatre.ts";
import { UsageError } from "./usage.ts";

try {
  const names = allRows.map(({ name }) => name);
  process.exitCode = await bench(parseArguments(process.argv.slice(2), names));
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** Measures and prints; 0 when all rows could be measured, whatever the figures are. */
async function bench(args: BenchArguments): Promise<number> {
  if (args.simulate !== undefined) {
    console.log(report(args.simulate, await simulate(args.simulate)));
    return 0;
  }
  if (args.json !== undefined) await claim(args.json);
  const theatre = await createTheatre(args);
  const interrupted = new AbortController();
  const signalled = awaitSignal().finally(() => {
    interrupted.abort();
  });
  try {
    return await Promise.race([measureAll(args, theatre, interrupted.signal), signalled]);
  } finally {
    await theatre.close();
    // What an interrupted row still waits for has been taken away.
    void signalled.then((code) => process.exit(code));
  }
}

/** What cannot be written is told before anything is measured. */
async function claim(file: string): Promise<void> {
  await writeFile(file, "").catch((error: unknown) => {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new UsageError(`bench: cannot write ${file} (${code})\nname a file in a directory that is there`);
  });
}

/** Resolves to the exit code that a shell expects. */
async function awaitSignal(): Promise<number> {
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  return new Promise((resolve) => {
    for (const [name, code] of Object.entries(codes))
      process.once(name, () => {
        resolve(code);
      });
  });
}

async function measureAll(args: BenchArguments, theatre: Theatre, interrupted: AbortSignal): Promise<number> {
  const rows = allRows.filter(({ name }) => args.only.length === 0 || args.only.includes(name));
  const machine = lookAtMachine();
  const stages = await theatre.stages();
  const measurements: Measurement[] = [];
  for await (const one of measureRounds(rows, stages, args.rounds)) {
    if (interrupted.aborted) return 1;
    measurements.push(one);
    console.error(`round ${one.round}/${args.rounds} ${one.plugin} ${one.row}${one.error ? `: ${one.error}` : ""}`);
  }
  const columns = stages.map(({ subject }) => columnOf(subject.title, measurements));
  console.log([describe(machine, args), layTable(rows, columns, marks), legend(rows)].join("\n\n"));
  if (args.json !== undefined)
    await writeFile(args.json, JSON.stringify({ machine, settings: args, rows, marks, measurements }, null, 2));
  return complain(measurements);
}

function describe(
  { cores, processor, kernel, node, date, commit }: Machine,
  { cloud, rounds, settleMs }: BenchArguments,
): string {
  const rtt = "rttMs" in cloud ? `${cloud.rttMs} ms` : `that of the emulator in ${cloud.emulator}`;
  return [
    `${cores} cores (${processor}), Linux ${kernel}, Node ${node}, ${date}, commit ${commit}`,
    `round trip: ${rtt}; rounds: ${rounds}; memory after ${settleMs / 1000} s of rest`,
    "pair and to reach: for a round trip of 10 ms, memory after 30 s",
  ].join("\n");
}

function legend(rows: readonly Row[]): string {
  return rows.map(({ name, title }) => `${name}: ${title}`).join("\n");
}

function complain(measurements: readonly Measurement[]): number {
  const failed = measurements.filter(({ error }) => error !== undefined);
  for (const { row, plugin, round, error = "" } of failed)
    console.error(`bench: ${row} (${plugin}, round ${round}) could not be measured: ${error}`);
  return failed.length === 0 ? 0 : 1;
}
