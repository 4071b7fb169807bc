/**
 * Makes dist/: main.js, a file per command, and koffi beside them. `--cpu` and `--modules` take koffi for another
 * machine, from packages installed for it. Where there is no git, COMMIT says what is built, as the image does it.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";

const { cpu, modules } = parseArgs({
  options: { cpu: { type: "string", default: process.arch }, modules: { type: "string", default: "node_modules" } },
}).values;

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

function commit(): string {
  if (process.env["COMMIT"]) return process.env["COMMIT"];
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

/** Now, or the time that reproducible builds agree on. */
function builtAt(): Date {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  return epoch ? new Date(Number(epoch) * 1000) : new Date();
}

/** The chart's, so that the image brings what the chart would. */
function crds(): string {
  const directory = "charts/azure-keyvault-csi/crds";
  const files = readdirSync(directory).filter((file) => file.endsWith(".yaml"));
  return files.map((file) => readFileSync(`${directory}/${file}`, "utf8")).join("---\n");
}

/** What of koffi is loaded, and its licence: not its sources, nor its builds. */
const koffiFiles =
  /^(|\/src|\/src\/koffi(\/src)?|\/index\.[^/]+|\/package\.json|\/LICENSE\.txt|\/src\/koffi\/(src\/)?[^/]+\.c?js)$/;

/** Made beside dist/ and moved there whole, so that nobody meets half a build. */
const made = `dist.new-${process.pid}`;
await bundle(
  {
    main: "src/main.ts",
    node: "src/commands/node.ts",
    provider: "src/commands/provider.ts",
    crds: "src/commands/crds.ts",
    extension: "src/commands/extension.ts",
    "pfx-thread": "src/provider/azure/pfx-thread.ts",
  },
  made,
  {
    BUILD_VERSION: JSON.stringify(`v${version}`),
    BUILD_COMMIT: JSON.stringify(commit()),
    BUILD_CRDS: JSON.stringify(crds()),
    BUILD_DATE: JSON.stringify(builtAt().toISOString().slice(0, 16)),
  },
);
chmodSync(`${made}/main.js`, 0o755);
const koffi = `${modules}/koffi`;
cpSync(koffi, `${made}/node_modules/koffi`, {
  recursive: true,
  filter: (path) => koffiFiles.test(path.slice(koffi.length)),
});
const platform = `@koromix/koffi-${process.platform}-${cpu}`;
cpSync(`${modules}/${platform}`, `${made}/node_modules/${platform}`, { recursive: true });
rmSync("dist", { recursive: true, force: true });
renameSync(made, "dist");
