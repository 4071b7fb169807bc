import { flag, switchFlag, type FlagValues } from "../formats/flags.ts";

/** Flags of every command that serves: what the process tells of itself. */
export const processFlags = {
  "metrics-object-names": switchFlag("name the objects of vaults in metrics"),
  "log-format-json": switchFlag("log JSON objects instead of klog text"),
  v: flag("LEVEL", "log verbosity, 0 to 10", 0, parseVerbosity),
  version: switchFlag("print version information and exit"),
};

export type ProcessFlags = FlagValues<typeof processFlags>;

function parseVerbosity(text: string): number {
  if (!/^(10|\d)$/.test(text)) throw new Error("must be a number from 0 to 10");
  return Number(text);
}
