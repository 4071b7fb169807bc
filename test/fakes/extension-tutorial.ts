import { readFileSync } from "node:fs";
import { readPage } from "./markdown-page.ts";

/** The tutorial of the extension, as its readers have it. */
const { blocks } = readPage(readFileSync("test/fixtures/tutorial/extension-tutorial.md", "utf8"));

/** Its commands, in the order in which a reader types them. */
export const tutorialCommands = blocks
  .filter(({ language }) => /^(azurecli|bash)/i.test(language))
  .flatMap(({ text }) => text.split("\n"))
  .filter((line) => line !== "" && !line.startsWith("#"));

const [created = "", template = "", shown = ""] = blocks
  .filter(({ language }) => language === "json")
  .map(({ text }) => text);

/** What `create` and `show` print, and the ARM template. */
export const tutorialTexts = { created, template, shown };

/** Keys and nesting of a JSON value, in their order, with the type of each. */
export function shapeOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  if (Array.isArray(value)) return value.map(shapeOf);
  return Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]);
}
