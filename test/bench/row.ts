import type { Stage } from "./stage.ts";

/** What one round measured: the samples of each figure, by the figure's name. */
export type Samples = Readonly<Record<string, readonly number[]>>;

export type Unit = "ms" | "s" | "MiB" | "";

/** One line of the table: percentiles of all samples of all rounds; of one sample a round, 50 is the median round. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly percentiles: readonly number[];
}

/** One thing that is measured, under a name that stays. */
export interface Row {
  readonly name: string;
  /** What happens, in words. */
  readonly title: string;
  readonly figures: readonly Figure[];
  /** Starts processes itself, which cannot be done with a plugin of somebody else. */
  readonly startsProcesses?: true;
  measure(stage: Stage): Promise<Samples>;
}

/** A figure of which a round has many samples. */
export function spread(name: string, unit: Unit, percentiles: readonly number[] = [50, 95]): Figure {
  return { name, unit, percentiles };
}

/** A figure of which a round has one sample. */
export function single(name: string, unit: Unit): Figure {
  return { name, unit, percentiles: [50] };
}

/** A figure of which a round has one sample, and of which no round may be hidden by the others. */
export function worst(name: string, unit: Unit): Figure {
  return { name, unit, percentiles: [100] };
}
