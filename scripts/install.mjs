/**
 * Installs the packages where they are missing or older than the lock file. Plain JavaScript without packages, since it
 * may be run by an older Node than the one that it installs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export const root = new URL("..", import.meta.url).pathname;
const mark = `${root}node_modules/.installed-lock`;

process.chdir(root);
const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
if (!existsSync(mark) || readFileSync(mark, "utf8") !== lock) {
  console.error("Installing packages (npm ci), once …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    console.error("npm ci failed: see above");
    process.exit(1);
  }
  writeFileSync(mark, lock);
}
