import { parseAddress, type Address } from "../formats/address.ts";
import { flag, switchFlag, type FlagSpec, type FlagValues } from "../formats/flags.ts";

/** Flags of every command that serves: what the process tells of itself. */
export const servingFlags = {
  "log-format-json": switchFlag("log JSON objects instead of klog text"),
  v: flag("LEVEL", "log verbosity, 0 to 10", 0, parseVerbosity),
  version: switchFlag("print version information and exit"),
};

export type ServingFlags = FlagValues<typeof servingFlags>;

/** Those of every command that speaks with vaults. */
export const processFlags = {
  "metrics-object-names": switchFlag("name the objects of vaults in metrics"),
  ...servingFlags,
};

/** Where something is served. */
export function addressFlag(help: string, fallback: string): FlagSpec<Address> {
  return { ...flag("ADDRESS", help, parseAddress(fallback), parseAddress), shown: fallback };
}

function parseVerbosity(text: string): number {
  if (!/^(10|\d)$/.test(text)) throw new Error("must be a number from 0 to 10");
  return Number(text);
}
