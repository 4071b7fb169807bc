import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where `<…>` stands anything may, within a line. */
export function patternOf(text: string): RegExp {
  const literals = text.split(/<[a-z]+>/).map((literal) => literal.replaceAll(/[$()*+.?[\]\\^{|}]/g, "\\$&"));
  return new RegExp(literals.join("[^\\n]{1,200}?"));
}

/** The program, and what its tests expect it to say; texts that are joined by + are one. */
export async function readSources(): Promise<string> {
  const dirs = ["src/provider", "src/volume", "src/csi", "src/kube", "src/formats", "src/commands", "test/unit"];
  const names = await Promise.all(
    dirs.map(async (dir) => (await readdir(dir, { recursive: true })).map((name) => join(dir, name))),
  );
  const files = names.flat().filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(files.map((name) => readFile(name, "utf8")));
  return texts
    .join("\n")
    .replaceAll(/["`] \+\s+["`]/g, "")
    .replaceAll("\\`", "`");
}
