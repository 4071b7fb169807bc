import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What it answers to a subcommand; by default with success and nothing. */
export interface HelmAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

/** A command `helm` that notes what it is asked. */
export interface FakeHelm extends AsyncDisposable {
  /** The folder that it is in, for PATH. */
  readonly path: string;
  answer(subcommand: string, answer: HelmAnswer): Promise<void>;
  /** Words of each call, in order. */
  calls(): Promise<readonly string[]>;
  /** What the last call of a subcommand read from stdin. */
  stdin(subcommand: string): Promise<string>;
  /** The environment that it had of Helm's own variables. */
  environment(): Promise<readonly string[]>;
}

/** Nothing else is on its PATH, so these are builtins. */
const script = `#!/bin/sh
cd "\${0%/*}" || exit 9
printf '%s\\n' "$*" >> calls
/usr/bin/env | /bin/grep ^HELM_ > environment
/bin/cat > "stdin-$1"
[ -e "hang-$1" ] && { : > hanging; trap 'echo cut off >> calls; exit 1' TERM; while :; do /bin/sleep 0.05; done; }
[ -e "stderr-$1" ] && /bin/cat "stderr-$1" >&2
[ -e "stdout-$1" ] && /bin/cat "stdout-$1"
[ -e "code-$1" ] && exit "$(/bin/cat "code-$1")"
exit 0
`;

/** One of version 3.20.2, in a cluster without releases. */
export async function fakeHelm(): Promise<FakeHelm> {
  const path = await mkdtemp(join(tmpdir(), "akv-helm-"));
  const read = (file: string): Promise<string> => readFile(join(path, file), "utf8").catch(() => "");
  await writeFile(join(path, "helm"), script);
  await chmod(join(path, "helm"), 0o755);
  const answer = async (subcommand: string, { stdout = "", stderr = "", code = 0 }: HelmAnswer): Promise<void> => {
    const files = { stdout, stderr, code: String(code) };
    for (const [kind, text] of Object.entries(files)) await writeFile(join(path, `${kind}-${subcommand}`), text);
  };
  await answer("version", { stdout: "v3.20.2" });
  await answer("list", { stdout: "[]" });
  return {
    path,
    answer,
    calls: async () => (await read("calls")).split("\n").filter((line) => line !== ""),
    stdin: (subcommand) => read(`stdin-${subcommand}`),
    environment: async () => (await read("environment")).split("\n").filter((line) => line !== ""),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
