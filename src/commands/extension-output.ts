import { stringify } from "yaml";
import type { ExtensionRecord } from "../extension/record.ts";

export const formats = ["json", "table", "yaml", "none"] as const;
export type OutputFormat = (typeof formats)[number];

export type Answer = ExtensionRecord | readonly ExtensionRecord[];

/** Records as they are printed, without a line break at the end; nothing for `none`. */
export function printed(records: Answer, format: OutputFormat): string {
  switch (format) {
    case "json":
      return JSON.stringify(records, null, 2);
    case "yaml":
      return stringify(records).trimEnd();
    case "table":
      return table([records].flat());
    case "none":
      return "";
  }
}

const columns: Readonly<Record<string, (record: ExtensionRecord) => string | null>> = {
  Name: ({ name }) => name,
  ExtensionType: ({ extensionType }) => extensionType,
  Version: ({ version }) => version,
  ProvisioningState: ({ provisioningState }) => provisioningState,
  ReleaseNamespace: ({ scope }) => scope.cluster.releaseNamespace,
  LastModifiedAt: ({ systemData }) => systemData.lastModifiedAt,
};

/** A line of names, a line of dashes, a line for each; of none nothing, as az does it. */
function table(records: readonly ExtensionRecord[]): string {
  if (records.length === 0) return "";
  const names = Object.keys(columns);
  const rows = records.map((record) => Object.values(columns).map((cell) => cell(record) ?? ""));
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(names), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
