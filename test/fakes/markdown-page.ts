/** A fenced block of a page, and the heading that it stands under. */
export interface PageBlock {
  readonly section: string;
  readonly language: string;
  readonly text: string;
}

/** A table of a page: cells as they are written. */
export interface PageTable {
  readonly section: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Page {
  readonly blocks: readonly PageBlock[];
  readonly tables: readonly PageTable[];
}

/** What of a Markdown page can be run or compared. */
export function readPage(markdown: string): Page {
  const blocks: PageBlock[] = [];
  const tables: PageTable[] = [];
  let section = "";
  const pieces = markdown.matchAll(
    /^```(?<language>[\w-]*)\n(?<text>[^]*?)^```$|^#+ (?<heading>.*)$|(?<table>(?:^\|.*\|$\n?)+)/gm,
  );
  for (const { groups = {} } of pieces) {
    const { language = "", text, heading, table } = groups;
    if (heading !== undefined) section = heading;
    if (text !== undefined) blocks.push({ section, language, text });
    if (table !== undefined) tables.push({ section, ...readTable(table) });
  }
  return { blocks, tables };
}

function readTable(text: string): Pick<PageTable, "columns" | "rows"> {
  const [columns = [], , ...rows] = text.trimEnd().split("\n").map(cellsOf);
  return { columns, rows };
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** What stands between backticks in a cell. */
export function codesIn(cell = ""): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** A text with its `<placeholders>` replaced; throws for one that nobody has a value for. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/<([a-z][a-z-]*)>/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nobody has a value for <${name}>`);
    return value;
  });
}

/** A command as a user types it. */
export interface PageCommand {
  /** Words before the first option. */
  readonly words: readonly string[];
  /** By name, dashes included; an option may have several values, and stand more than once. */
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** The commands of a shell block; what stands behind a `#` is a comment. */
export function commandsIn(text: string): readonly PageCommand[] {
  const lines = text.split("\n").map((line) => line.replace(/(^|\s+)#.*$/, ""));
  return lines.filter((line) => line !== "").map(readCommand);
}

function readCommand(line: string): PageCommand {
  const words: string[] = [];
  const options = new Map<string, string[]>();
  let values = words;
  for (const [, quoted, plain = quoted ?? ""] of line.matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain.startsWith("-")) options.set(plain, (values = options.get(plain) ?? []));
    else values.push(plain);
  }
  return { words, options };
}
