/**
 * `npm run weigh`: what each dependency of package.json adds to a process that does nothing else, bundled and started as the
 * image does it: resident memory after a collection, in MiB, and the time that its import takes.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import { parseEntrypoint } from "../test/bench/entrypoint.ts";
import { percentile } from "../test/bench/percentile.ts";

interface Weight {
  readonly anonymous: number;
  readonly resident: number;
  readonly importMs: number;
}

/** Medians of these many processes. */
const ROUNDS = 5;
/** Beside the packages, so that they are found; koffi stays outside of the bundle, as in the program. */
const dir = "dist.weigh";

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
const { nodeFlags, env } = parseEntrypoint(readFileSync("Dockerfile", "utf8"));

try {
  const nothing = await weigh(undefined);
  console.log(row("package", "anonymous", "resident", "import, ms"));
  console.log(row("(Node alone)", mib(nothing.anonymous), mib(nothing.resident), ""));
  for (const name of Object.keys(dependencies).toSorted()) {
    const { anonymous, resident, importMs } = await weigh(name);
    console.log(row(name, mib(anonymous - nothing.anonymous), mib(resident - nothing.resident), importMs.toFixed(0)));
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function weigh(name: string | undefined): Promise<Weight> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  writeFileSync(join(dir, "entry.mjs"), program(name));
  await bundle({ main: join(dir, "entry.mjs") }, join(dir, "out"));
  // The first process fills the cache of compiled code, which the image brings along.
  start();
  const weights = Array.from({ length: ROUNDS }, start);
  return {
    anonymous: percentile(
      weights.map(({ anonymous }) => anonymous),
      50,
    ),
    resident: percentile(
      weights.map(({ resident }) => resident),
      50,
    ),
    importMs: percentile(
      weights.map(({ importMs }) => importMs),
      50,
    ),
  };
}

/** Holds the package, collects as the plugin does at rest, and tells what the kernel says. */
function program(name: string | undefined): string {
  const load = name === undefined ? "undefined" : `await import(${JSON.stringify(name)})`;
  return `const startedAt = performance.now();
globalThis.held = ${load};
const importMs = performance.now() - startedAt;
gc({ type: "major", execution: "sync", flavor: "last-resort" });
const status = process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "utf8");
const kib = (field) => Number(new RegExp("^" + field + ":\\\\s+(\\\\d+)", "m").exec(status)[1]);
console.log(JSON.stringify({ anonymous: kib("RssAnon"), resident: kib("VmRSS"), importMs }));
`;
}

function start(): Weight {
  const command = [...nodeFlags, join(dir, "out/main.js")];
  const ownEnv = { ...process.env, ...env, NODE_COMPILE_CACHE: join(dir, "cache") };
  return JSON.parse(execFileSync(process.execPath, command, { env: ownEnv, encoding: "utf8" })) as Weight;
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1);
}

function row(...[name = "", ...figures]: readonly string[]): string {
  return [name.padEnd(30), ...figures.map((figure) => figure.padStart(10))].join("  ");
}
