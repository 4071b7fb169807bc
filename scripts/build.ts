/** Makes dist/: main.js, a file per command, and koffi beside them. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync, renameSync, rmSync } from "node:fs";
import { bundle } from "./bundle.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

/** Made beside dist/ and moved there whole, so that nobody meets half a build. */
const made = `dist.new-${process.pid}`;
await bundle({ main: "src/main.ts", node: "src/commands/node.ts" }, made, {
  BUILD_VERSION: JSON.stringify(`v${version}`),
  BUILD_COMMIT: JSON.stringify(commit()),
  BUILD_DATE: JSON.stringify(new Date().toISOString().slice(0, 16)),
});
chmodSync(`${made}/main.js`, 0o755);
const platform = `@koromix/koffi-${process.platform}-${process.arch}`;
cpSync("node_modules/koffi", `${made}/node_modules/koffi`, {
  recursive: true,
  filter: (path) => !/\/(src\/core|vendor|lib|doc)(\/|$)/.test(path.slice("node_modules/koffi".length)),
});
cpSync(`node_modules/${platform}`, `${made}/node_modules/${platform}`, { recursive: true });
rmSync("dist", { recursive: true, force: true });
renameSync(made, "dist");
