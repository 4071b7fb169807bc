import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What of Node a process has loaded by its end. */
export interface LoadedModules {
  /** For the process's Node. */
  readonly flag: string;
  /** Names of Node's own modules, after the end. */
  read(): Promise<readonly string[]>;
}

export async function watchLoadedModules(dir: string): Promise<LoadedModules> {
  const [witness, loaded] = [join(dir, "witness.mjs"), join(dir, "loaded")];
  const tell = `writeFileSync(${JSON.stringify(loaded)}, process.moduleLoadList.join("\\n"))`;
  await writeFile(witness, `import { writeFileSync } from "node:fs"; process.on("exit", () => ${tell});`);
  return {
    flag: `--import=${witness}`,
    read: async () => (await readFile(loaded, "utf8")).split("\n").map((name) => name.replace(/^\w+ /, "")),
  };
}
