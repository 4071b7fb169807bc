import { parseDurationMs } from "../../../src/formats/go-text.ts";
import { UsageError } from "../usage.ts";

/** A cluster that is played, and for how long it is watched once all of its pods run. */
export interface Settings {
  readonly nodes: number;
  readonly pods: number;
  readonly classes: number;
  /** Secrets of each class. */
  readonly objects: number;
  /** Classes are spread over them. */
  readonly vaults: number;
  readonly intervalMs: number;
  readonly intervals: number;
  /** What a vault serves within 10 s; Key Vault documents 4000 transactions. */
  readonly limit: number;
}

const defaults = {
  nodes: "100",
  pods: "3000",
  classes: "50",
  objects: "10",
  vaults: "1",
  interval: "2m",
  intervals: "3",
  limit: "4000",
};
const names = Object.keys(defaults);

/** Reads `nodes=1000,pods=30000,classes=500`; what is not said is as in the defaults. */
export function parseSettings(text: string): Settings {
  const said = text.split(",").filter((one) => one !== "");
  const values: Record<string, string> = { ...defaults };
  for (const one of said) {
    const [name = "", value = ""] = one.split("=");
    if (!names.includes(name))
      throw new UsageError(`bench: --simulate knows no ${name}\nTry: NAME=VALUE,… of ${names.join(", ")}`);
    values[name] = value;
  }
  const count = (name: keyof typeof defaults): number => {
    const value = values[name] ?? "";
    if (!/^[1-9]\d{0,6}$/.test(value))
      throw new UsageError(
        `bench: --simulate ${name}=${value} is no whole number from 1\nTry: ${name}=${defaults[name]}`,
      );
    return Number(value);
  };
  return {
    nodes: count("nodes"),
    pods: count("pods"),
    classes: count("classes"),
    objects: count("objects"),
    vaults: count("vaults"),
    intervals: count("intervals"),
    limit: count("limit"),
    intervalMs: parseInterval(values["interval"] ?? ""),
  };
}

function parseInterval(text: string): number {
  try {
    return parseDurationMs(text);
  } catch {
    throw new UsageError(`bench: --simulate interval=${text} is no duration\nTry: interval=2m`);
  }
}
