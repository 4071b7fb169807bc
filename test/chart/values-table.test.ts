import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keys } from "./keys.ts";

const script = resolve(import.meta.dirname, "../../scripts/values-table.ts");
let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "akv-values-"));
  file = join(directory, "values.md");
  writeFileSync(
    file,
    "before\n\n<!-- values: made by npm run generate:values -->\n\nold\n\n<!-- /values -->\n\nafter\n",
  );
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("the table of values", () => {
  test("has each key once, and leaves the rest of the document", () => {
    run();
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^before\n\n<!-- values:[^]*<!-- \/values -->\n\nafter\n$/);
    const named = [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(keys.map(({ key }) => key).sort());
  });

  test("says what a key means, its default, the pair's, and where it shows", () => {
    run();
    expect(cells("secrets-store-csi-driver.rotationPollInterval")).toEqual([
      "How often each volume is brought up to date, for example 90s, 2m or 1h30m. Empty: 2m.",
      '`""`',
      '`"2m"`; the driver\'s chart alone: `""`',
      "DaemonSet `containers.0.args` `--rotation-poll-interval`",
    ]);
    expect(cells("podOverrides")[2]).toBe("no such key");
    expect(cells("rbac.pspEnabled")).toEqual(["PodSecurityPolicy left Kubernetes with 1.25", "`false`"]);
  });

  test("is only compared by --check", () => {
    const before = readFileSync(file, "utf8");
    expect(() => run("--check")).toThrow("Run npm run generate:values");
    expect(readFileSync(file, "utf8")).toBe(before);
    run();
    expect(() => run("--check")).not.toThrow();
  });
});

function cells(key: string): readonly string[] {
  const row = readFileSync(file, "utf8")
    .split("\n")
    .find((line) => line.startsWith(`| \`${key}\` `));
  return (row ?? "")
    .split("|")
    .slice(2, -1)
    .map((cell) => cell.trim());
}

function run(...options: readonly string[]): string {
  return execFileSync(process.execPath, [script, file, ...options], { encoding: "utf8", stdio: "pipe" });
}
