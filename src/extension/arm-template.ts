import { evaluateAll } from "./arm-expression.ts";
import { parametersOf, refused, refuseOthers, type Fields } from "./arm-parameters.ts";
import { EXTENSIONS } from "./record.ts";
import type { WrittenSetting } from "./settings.ts";
import { isMap } from "./values.ts";

/** An extension as a template describes it. */
export interface TemplateExtension {
  readonly name: string;
  readonly clusterName: string;
  readonly extensionType: string;
  readonly releaseTrain?: string | undefined;
  readonly version?: string | undefined;
  readonly autoUpgradeMinorVersion?: boolean | undefined;
  readonly releaseNamespace?: string | undefined;
  readonly settings: readonly WrittenSetting[];
}

const clusters = "Microsoft.Kubernetes/connectedClusters/";

/**
 * The one extension of an ARM template (deploymentTemplate.json, 2019-04-01). Throws CommandError for whatever is not
 * understood, by its name: nothing is passed over but comments.
 */
export function parseTemplate(text: string, given: readonly (readonly [string, string])[]): TemplateExtension {
  const template = parseObject(text);
  const understood = ["$schema", "contentVersion", "metadata", "parameters", "resources"];
  const mustBeEmpty = ["functions", "variables", "outputs"];
  refuseOthers("the template", template, [...understood, ...mustBeEmpty]);
  for (const name of mustBeEmpty)
    if (Object.keys(template[name] ?? {}).length > 0) throw refused(`the template has ${name}, which are not taken`);
  const resources = Array.isArray(template["resources"]) ? (template["resources"] as readonly unknown[]) : [];
  const [resource] = resources;
  if (!isMap(resource) || resources.length > 1) throw refused("the template must have one resource, the extension");
  return extensionOf(evaluateAll(resource, parametersOf(template["parameters"], given), "resources[0]") as Fields);
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw refused("the template is not JSON");
  }
  if (!isMap(value)) throw refused("the template is not a JSON object");
  return value;
}

function extensionOf(resource: Fields): TemplateExtension {
  refuseOthers("the resource", resource, ["type", "apiVersion", "name", "comments", "scope", "properties"]);
  if (String(resource["type"]).toLowerCase() !== EXTENSIONS.toLowerCase())
    throw refused(`the resource is of type ${String(resource["type"])}; taken is ${EXTENSIONS}`);
  const scope = textAt(resource, "scope") ?? "";
  if (!scope.toLowerCase().startsWith(clusters.toLowerCase()))
    throw refused(`the resource's scope must be ${clusters}<name of the cluster>`);
  const properties = isMap(resource["properties"]) ? resource["properties"] : {};
  return { ...propertiesOf(properties), name: wanted(resource, "name"), clusterName: scope.slice(clusters.length) };
}

type Properties = Omit<TemplateExtension, "name" | "clusterName">;

function propertiesOf(properties: Fields): Properties {
  refuseOthers("the resource's properties", properties, [
    "extensionType",
    "releaseTrain",
    "version",
    "autoUpgradeMinorVersion",
    "configurationSettings",
    "configurationProtectedSettings",
    "scope",
  ]);
  const { autoUpgradeMinorVersion: upgrades } = properties;
  if (upgrades !== undefined && typeof upgrades !== "boolean")
    throw refused("the resource's autoUpgradeMinorVersion takes true or false");
  return {
    extensionType: wanted(properties, "extensionType"),
    releaseTrain: textAt(properties, "releaseTrain"),
    version: textAt(properties, "version"),
    autoUpgradeMinorVersion: upgrades,
    releaseNamespace: namespaceOf(properties["scope"]),
    settings: [
      ...settingsOf(properties, "configurationSettings", false),
      ...settingsOf(properties, "configurationProtectedSettings", true),
    ],
  };
}

function settingsOf(properties: Fields, field: string, isProtected: boolean): readonly WrittenSetting[] {
  const settings = properties[field] ?? {};
  if (!isMap(settings)) throw refused(`the resource's ${field} must be a map of texts`);
  return Object.entries(settings).map(([name, value]) => {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw refused(`the resource's ${field} must be a map of texts: ${name}`);
    return { name, text: String(value), isProtected };
  });
}

function namespaceOf(scope: unknown = {}): string | undefined {
  if (!isMap(scope)) throw refused("the extension's scope must be a map");
  refuseOthers("the extension's scope", scope, ["cluster"]);
  const cluster = isMap(scope["cluster"]) ? scope["cluster"] : {};
  refuseOthers("the extension's scope", cluster, ["releaseNamespace"]);
  return textAt(cluster, "releaseNamespace");
}

function wanted(fields: Fields, name: string): string {
  const text = textAt(fields, name);
  if (text === undefined || text === "") throw refused(`the resource has no ${name}`);
  return text;
}

function textAt(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw refused(`the resource's ${name} must be text`);
}
