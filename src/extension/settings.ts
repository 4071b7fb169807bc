import { CommandError } from "../errors.ts";
import type { ChartValues } from "../release-model.ts";
import type { Catalogue, Known } from "./catalogue.ts";
import { typed } from "./schema.ts";
import { parsePath, printPath, type SettingPath, type Step } from "./setting-path.ts";
import { withoutValue, withValue } from "./values.ts";

/** A setting as it was written. */
export interface WrittenSetting {
  readonly name: string;
  readonly text: string;
  /** Its value is never shown. */
  readonly isProtected: boolean;
}

/** A setting that the chart knows. */
export interface Setting {
  readonly path: SettingPath;
  /** Undefined where the setting is taken back. */
  readonly value: unknown;
  readonly isProtected: boolean;
  /** Why it means nothing here. */
  readonly unused?: string | undefined;
}

/** `name=value`, split at the first `=`. Throws CommandError; what is protected is not quoted. */
export function splitSetting(word: string, isProtected: boolean): WrittenSetting {
  const what = isProtected ? "a protected setting has no name" : `${JSON.stringify(word)} is not a setting`;
  const [name, text] = splitWord(word, what);
  return { name, text, isProtected };
}

/** A parameter of a template, which may be a SecureString: never quoted. */
export function splitParameter(word: string): readonly [name: string, text: string] {
  return splitWord(word, "a parameter has no name");
}

function splitWord(word: string, otherwise: string): readonly [name: string, text: string] {
  const at = word.indexOf("=");
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  throw new CommandError(otherwise, { remedy: "write name=value", exit: 2 });
}

/** Settings in the chart's places and types. Throws CommandError with all that is wrong. */
export function parseSettings(written: readonly WrittenSetting[], catalogue: Catalogue): readonly Setting[] {
  const problems: string[] = [];
  const settings = written.flatMap((setting) => {
    const path = parsePath(setting.name);
    const known = path && catalogue.find(path);
    if (known === undefined) problems.push(unknown(setting.name, catalogue));
    return known === undefined ? [] : take(setting, known, problems);
  });
  if (problems.length === 0) return settings;
  throw new CommandError(problems, { remedy: "docs/values.md tells every setting and what it takes", exit: 2 });
}

function take({ name, text, isProtected }: WrittenSetting, known: Known, problems: string[]): readonly Setting[] {
  const { path, schema, unused } = known;
  // As with Helm, null takes a setting back to what the chart has.
  if (text === "null" && path.every(isKey)) return [{ path, value: undefined, isProtected, unused }];
  if (text === "null") {
    // Places after it would move up, under the names of others; a protected one would be shown.
    problems.push(
      `setting ${name} is a place in a list, and not taken back alone: ${wholeList(path)}=null takes all of it`,
    );
    return [];
  }
  try {
    return [{ path, value: typed(text, schema), isProtected, unused }];
  } catch (error) {
    const wanted = error instanceof Error ? error.message : "another value";
    problems.push(`setting ${name} takes ${wanted}${isProtected ? "" : `, not ${JSON.stringify(text)}`}`);
    return [];
  }
}

function isKey(step: Step): boolean {
  return typeof step === "string";
}

function wholeList(path: SettingPath): string {
  return printPath(
    path.slice(
      0,
      path.findIndex((step) => !isKey(step)),
    ),
  );
}

function unknown(name: string, catalogue: Catalogue): string {
  if (/^extension\b/.test(name)) return `setting ${name} is kept by the extension itself`;
  return `there is no setting ${name}: the nearest is ${catalogue.nearest(name)}`;
}

/** The values with settings in them; of two for one place the last counts. */
export function withSettings(values: ChartValues, settings: readonly Setting[]): ChartValues {
  return settings.reduce(
    (all, { path, value }) => (value === undefined ? withoutValue(all, path) : withValue(all, path, value)),
    values,
  );
}
