/**
 * Writes the rights of the chart's service accounts into docs/security.md, from the chart with all that adds rights: every role
 * that the chart binds, and the comment above each `verbs` as the reason. `--check` only says whether the document is up to date.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { isMap, isScalar, isSeq, parseAllDocuments, type Document, type YAMLMap } from "yaml";

const begin = "<!-- rbac: made by npm run generate:rbac -->";
const end = "<!-- /rbac -->";

const { values, positionals } = parseArgs({ options: { check: { type: "boolean" } }, allowPositionals: true });
const file = positionals[0] ?? "docs/security.md";
const text = readFileSync(file, "utf8");
const wanted = replaceBetween(text, await createTable(renderChart()));
if (wanted !== text && values.check) {
  console.error(`${file}: the table of rights is not the chart's. Run npm run generate:rbac`);
  process.exitCode = 1;
} else if (wanted !== text) {
  writeFileSync(file, wanted);
}

/** The version decides nothing here; a helm that was built without one would say 1.20, which the chart refuses. */
function renderChart(): readonly Document[] {
  const chart = `${import.meta.dirname}/../charts/azure-keyvault-csi`;
  const all = [
    "secrets-store-csi-driver.syncSecret.enabled=true",
    "startupTaint=example.com/not-ready",
    "reconciler.enabled=true",
  ];
  const set = `--set=${all.join(",")}`;
  const rendered = execFileSync("helm", ["template", "rights", chart, "--kube-version=1.35.0", set], {
    encoding: "utf8",
  });
  return parseAllDocuments(rendered);
}

/** A table for each service account and place: that of a hook is there while Helm works. */
async function createTable(documents: readonly Document[]): Promise<string> {
  const ofKind = (kind: string): readonly Document[] => documents.filter((document) => document.get("kind") === kind);
  const tables = new Map<string, string[]>();
  for (const binding of [...ofKind("ClusterRoleBinding"), ...ofKind("RoleBinding")]) {
    const holder = String(binding.getIn(["subjects", 0, "name"]));
    const role = ofKind(String(binding.getIn(["roleRef", "kind"]))).find(
      (r) => r.getIn(["metadata", "name"]) === binding.getIn(["roleRef", "name"]),
    );
    const rows = itemsOf(role?.get("rules")).map(toRow);
    const title = `Service account \`${holder}\`${lifeOf(binding)}${placeOf(binding)}:\n\n| resource | verbs | what for |\n| --- | --- | --- |\n`;
    const table = tables.get(title) ?? [];
    tables.set(title, [...table, ...rows.map((cells) => `| ${cells.join(" | ")} |\n`)]);
  }
  if (tables.size === 0) throw new Error("the chart binds no role with rules");
  const text = [...tables].map(([title, rows]) => `${title}${rows.join("")}`).join("\n");
  return format(text, { parser: "markdown" });
}

function lifeOf(binding: Document): string {
  return binding.hasIn(["metadata", "annotations", "helm.sh/hook"])
    ? ", which is there while Helm installs or upgrades"
    : "";
}

function placeOf(binding: Document): string {
  return binding.get("kind") === "RoleBinding" ? ", in the namespace of the release" : "";
}

function toRow(rule: unknown): readonly string[] {
  if (!isMap(rule)) throw new Error("a rule is no map");
  const groups = textsOf(rule, "apiGroups");
  const resources = textsOf(rule, "resources").flatMap((name) =>
    groups.map((group) => `\`${qualified(name, group)}\``),
  );
  const names =
    rule.has("resourceNames") && resources.length === 1 ? `: ${textsOf(rule, "resourceNames").join(", ")}` : "";
  return [`${resources.join(", ")}${names}`, textsOf(rule, "verbs").join(", "), reasonOf(rule, resources.join(", "))];
}

/** As kubectl takes it: `secretproviderclasses.secrets-store.csi.x-k8s.io`, and the core group's without a suffix. */
function qualified(resource: string, group: string): string {
  return group === "" ? resource : `${resource}.${group}`;
}

/** The comment above `verbs`; a right without a reason is not given. */
function reasonOf(rule: YAMLMap, resource: string): string {
  const verbs = rule.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === "verbs");
  const comment = isScalar(verbs) ? verbs.commentBefore : undefined;
  if (!comment) throw new Error(`the chart gives no reason for a right on ${resource}: write it above \`verbs\``);
  return comment.replaceAll(/\s+/g, " ").trim();
}

function textsOf(rule: YAMLMap, key: string): readonly string[] {
  return itemsOf(rule.get(key)).map((item) => (isScalar(item) ? String(item.value) : ""));
}

function itemsOf(node: unknown): readonly unknown[] {
  if (!isSeq(node)) throw new Error("a list is missing in a rule");
  return node.items;
}

function replaceBetween(document: string, table: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no lines ${begin} and ${end}`);
  return `${document.slice(0, from)}${begin}\n\n${table}\n${document.slice(to)}`;
}
