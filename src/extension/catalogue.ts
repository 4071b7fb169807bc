import { nearest } from "../formats/nearest.ts";
import { schemaAt, typesOf, type Schema } from "./schema.ts";
import { printPath, type SettingPath } from "./setting-path.ts";

/** Of an entry of the chart's files/keys.yaml, what is read here. */
export interface ChartKey {
  readonly key: string;
  /** Its default in the established pair of charts. */
  readonly pair?: unknown;
  /** Why it means nothing here. */
  readonly unused?: string;
}

/** The chart that the program carries. */
export interface Chart {
  readonly directory: string;
  readonly version: string;
  /** What its image is called where nobody names another. */
  readonly image: string;
  readonly keys: readonly ChartKey[];
  readonly schema: Schema;
}

/** A place in the chart's values that may be set. */
export interface Known {
  readonly path: SettingPath;
  readonly schema: Schema;
  /** Why setting it means nothing; undefined where it means something. */
  readonly unused?: string | undefined;
}

/** Which settings there are. */
export interface Catalogue {
  /** Undefined where nothing reads such a place. */
  find(path: SettingPath): Known | undefined;
  /** The name that was probably meant. */
  nearest(name: string): string;
}

const driver = "secrets-store-csi-driver";
/** The tutorial's table has these without the driver's name before them. */
const shortNames = ["enableSecretRotation", "rotationPollInterval", "syncSecret.enabled"];
/** Kept by the extension itself. */
const own = /^extension(\.|$)/;

export function createCatalogue({ keys, schema }: Pick<Chart, "keys" | "schema">): Catalogue {
  const byName = new Map(keys.filter(({ key }) => !own.test(key)).map((entry) => [entry.key, entry]));
  const find = (path: SettingPath): Known | undefined => {
    for (let count = path.length; count > 0; count--) {
      // The chart's keys are printed as they are: none has a dot in a name, nor a place in a list.
      const entry = byName.get(printPath(path.slice(0, count)));
      if (entry) return below(entry, path, count, schema);
    }
    return undefined;
  };
  return {
    find: (path) => find(shortNames.includes(printPath(path)) ? [driver, ...path] : path),
    nearest: (name) => nearestOf(name, [...byName.keys(), ...shortNames]),
  };
}

/** A key, or a place in it where it is a map or a list. */
function below(entry: ChartKey, path: SettingPath, count: number, root: Schema): Known | undefined {
  const types = typesOf(schemaAt(root, path.slice(0, count)));
  const holdsMore = types.length === 0 || types.includes(typeof path[count] === "number" ? "array" : "object");
  if (path.length > count && !holdsMore) return undefined;
  return { path, schema: schemaAt(root, path), unused: entry.unused };
}

/** By the whole name; who left the section out, or got it wrong, by its end. */
function nearestOf(name: string, known: readonly string[]): string {
  const endOf = (key: string): string => key.slice(key.lastIndexOf(".") + 1);
  const sameEnd = known.filter((key) => endOf(key).toLowerCase() === endOf(name).toLowerCase());
  return nearest(name, sameEnd.length > 0 ? sameEnd : known) ?? name;
}
