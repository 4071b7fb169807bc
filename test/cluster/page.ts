import { readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fillIn, readPage, type PageBlock } from "../fakes/markdown-page.ts";
import { cluster } from "./cluster.ts";
import { run } from "./shell.ts";

/** A page whose commands are typed as they stand there, where the chart is at `charts/` and files may be made. */
export interface CommandPage {
  /** The blocks of a section, in a language. */
  blocks(section: string, language: string): readonly PageBlock[];
  /** Runs the shell blocks of a section, and stops at the first command that fails; what they print. */
  type(section: string, words?: Readonly<Record<string, string>>): Promise<string>;
}

export async function openPage(path: string): Promise<CommandPage> {
  const { blocks } = readPage(readFileSync(path, "utf8"));
  await symlink(resolve("charts"), join(cluster.dir, "charts")).catch(() => undefined);
  const inSection = (section: string, language: string): readonly PageBlock[] => {
    const found = blocks.filter((block) => block.section === section && block.language === language);
    if (found.length === 0) throw new Error(`${path} has no ${language || "plain"} block under "${section}"`);
    return found;
  };
  return {
    blocks: inSection,
    type: async (section, words = {}) => {
      const text = inSection(section, "sh")
        .map((block) => block.text)
        .join("\n");
      // As printed: what is filled in may be a client secret.
      console.log(`$ ${text.trimEnd().replaceAll("\n", "\n  ")}`);
      return run(["sh", "-ec", `cd "$0"\n${fillIn(text, words)}`, cluster.dir]);
    },
  };
}
