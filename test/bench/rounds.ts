import type { Row, Samples } from "./row.ts";
import type { Stage } from "./stage.ts";
import type { Column } from "./table.ts";

/** A row in one round on one plugin: what was measured, or why it could not be. */
export interface Measurement {
  readonly round: number;
  readonly row: string;
  readonly plugin: string;
  readonly startedAt: string;
  readonly samples?: Samples;
  readonly error?: string;
}

/** Measures every row once in each round, so that what a machine does meanwhile falls on all of them. */
export async function* measureRounds(
  rows: readonly Row[],
  stages: readonly Stage[],
  rounds: number,
): AsyncGenerator<Measurement> {
  for (let round = 1; round <= rounds; round += 1)
    for (const row of rows)
      for (const stage of stages.filter(({ subject }) => subject.restart !== undefined || !row.startsProcesses))
        yield {
          round,
          row: row.name,
          plugin: stage.subject.title,
          startedAt: new Date().toISOString(),
          ...(await measureRow(row, stage)),
        };
}

/** In a new process, where it may be started, so that no row depends on those before it. */
async function measureRow(row: Row, stage: Stage): Promise<Pick<Measurement, "samples" | "error">> {
  try {
    if (!row.startsProcesses) await stage.subject.restart?.();
    return { samples: await row.measure(stage) };
  } catch (error) {
    return { error: (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ") };
  } finally {
    await stage.clear();
  }
}

/** The samples of all rounds together, by row. */
export function columnOf(title: string, measurements: readonly Measurement[]): Column {
  const samples = new Map<string, Record<string, readonly number[]>>();
  for (const one of measurements.filter(({ plugin }) => plugin === title)) {
    const row = samples.get(one.row) ?? {};
    for (const [figure, more] of Object.entries(one.samples ?? {})) row[figure] = [...(row[figure] ?? []), ...more];
    samples.set(one.row, row);
  }
  return { title, samples };
}
