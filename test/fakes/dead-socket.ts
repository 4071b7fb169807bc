import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A socket file as a killed process leaves it. The path may be longer than one can listen on. */
export async function leaveDeadSocket(path: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "dead-"));
  const dead = createServer().listen(join(dir, "s"));
  await once(dead, "listening");
  renameSync(join(dir, "s"), path);
  dead.close();
  await once(dead, "close");
  rmSync(dir, { recursive: true });
}
