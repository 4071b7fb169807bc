import { describe, expect, test } from "vitest";
import { CommandError } from "../../../src/errors.ts";
import { evaluateText } from "../../../src/extension/arm-expression.ts";
import { parseTemplate } from "../../../src/extension/arm-template.ts";
import { tutorialTexts } from "../../fakes/extension-tutorial.ts";

interface Template {
  readonly parameters: Record<string, Record<string, unknown>>;
  readonly resources: readonly [Record<string, unknown> & { readonly properties: Record<string, unknown> }];
}

/** Parameters that the tutorial's template has not. */
const more = {
  Flag: { type: "bool", defaultValue: true },
  Number: { type: "Int", defaultValue: 7 },
  Nested: { type: "String", defaultValue: "[parameters('Flag')]" },
  Odd: null,
};

/** The tutorial's template, changed. */
function changed(change: (template: Template & Record<string, unknown>) => unknown): string {
  const template = JSON.parse(tutorialTexts.template) as Template & Record<string, unknown>;
  Object.assign(template.parameters, more);
  change(template);
  return JSON.stringify(template);
}

function property(name: string, value: unknown): string {
  return changed(({ resources: [{ properties }] }) => (properties[name] = value));
}

describe("the tutorial's template", () => {
  test("describes an extension as it stands", () => {
    expect(parseTemplate(tutorialTexts.template, [])).toEqual({
      name: "akvsecretsprovider",
      clusterName: "<cluster-name>",
      extensionType: "Microsoft.AzureKeyVaultSecretsProvider",
      releaseTrain: "preview",
      version: "",
      settings: [],
    });
  });

  test("takes parameters, their names in any case", () => {
    const given = [
      ["connectedclustername", "mine"],
      ["ReleaseTrain", "stable"],
    ] as const;
    expect(parseTemplate(tutorialTexts.template, given)).toMatchObject({ clusterName: "mine", releaseTrain: "stable" });
  });

  test("may have settings, protected ones, a namespace and upgrades", () => {
    const text = changed(({ resources: [{ properties }] }) =>
      Object.assign(properties, {
        configurationSettings: { "secrets-store-csi-driver.enableSecretRotation": true, logVerbosity: "2" },
        configurationProtectedSettings: { "Azure.proxySettings.httpsProxy": "http://p" },
        autoUpgradeMinorVersion: false,
        scope: { cluster: { releaseNamespace: "akv" } },
      }),
    );
    expect(parseTemplate(text, [])).toMatchObject({
      releaseNamespace: "akv",
      autoUpgradeMinorVersion: false,
      settings: [
        { name: "secrets-store-csi-driver.enableSecretRotation", text: "true", isProtected: false },
        { name: "logVerbosity", text: "2", isProtected: false },
        { name: "Azure.proxySettings.httpsProxy", text: "http://p", isProtected: true },
      ],
    });
  });

  test("takes numbers as text, a null for nothing, and a byte order mark", () => {
    const version = property("version", "[concat(parameters('Number'), '.', parameters('Number'))]");
    expect(parseTemplate(version, [["Number", "-12"]]).version).toBe("-12.-12");
    expect(parseTemplate(version, []).version).toBe("7.7");
    expect(parseTemplate(`\uFEFF${property("releaseTrain", null)}`, []).releaseTrain).toBeUndefined();
    expect(parseTemplate(property("scope", {}), []).releaseNamespace).toBeUndefined();
  });

  test.each<[string, string, unknown]>([
    ["Bool", "TRUE", true],
    ["Bool", "false", false],
  ])("takes a parameter of type %s", (type, text, value) => {
    const template = changed(({ parameters, resources: [{ properties }] }) => {
      parameters["Upgrades"] = { type };
      properties["autoUpgradeMinorVersion"] = "[parameters('Upgrades')]";
    });
    expect(parseTemplate(template, [["Upgrades", text]]).autoUpgradeMinorVersion).toBe(value);
  });
});

describe("refused by its name", () => {
  test.each<[string, string, readonly (readonly [string, string])[]]>([
    ["calls variables()", property("version", "[variables('v')]"), []],
    ["calls resourceId()", property("version", "[concat('a', resourceId('b'))]"), []],
    ['has no parameter "Nobody"', property("version", "[parameters('Nobody')]"), []],
    ["expression at resources[0].properties.version cannot be read", property("version", "[parameters(]"), []],
    ["properties.version cannot be read", property("version", "[parameters('a') 'b']"), []],
    [
      "properties.configurationProtectedSettings.a cannot be read",
      property("configurationProtectedSettings", { a: "[hunter2]" }),
      [],
    ],
    [
      "expression at parameters.ReleaseTrain.defaultValue cannot be read",
      changed(({ parameters: { ReleaseTrain: it = {} } }) => (it["defaultValue"] = "[hunter2]")),
      [],
    ],
    ['has no parameter "ReleaseTrian": the nearest is ReleaseTrain', tutorialTexts.template, [["ReleaseTrian", "x"]]],
    ['properties has "statuses"', property("statuses", []), []],
    ['scope has "namespace"', property("scope", { namespace: {} }), []],
    ["autoUpgradeMinorVersion takes true or false", property("autoUpgradeMinorVersion", "yes"), []],
    ["version must be text", property("version", 1), []],
    ["has no extensionType", property("extensionType", ""), []],
    ["must be a map of texts: a", property("configurationSettings", { a: null }), []],
    ["must be a map of texts", property("configurationSettings", []), []],
    ["scope must be a map", property("scope", "cluster"), []],
    ['scope has "name"', property("scope", { cluster: { name: "x" } }), []],
    ["concat() in the template takes text", property("version", "[concat('a', parameters('Flag'))]"), []],
    ["parameters() in the template takes text", property("version", "[parameters()]"), []],
    ["default of parameter Nested names a parameter", property("version", "[parameters('Nested')]"), []],
    ["parameter Number takes a whole number", property("version", "[parameters('Number')]"), [["Number", "x"]]],
    ["parameter Flag takes true or false", property("version", "[parameters('Flag')]"), [["Flag", "maybe"]]],
    ["parameter Odd is of type undefined", property("version", "[parameters('Odd')]"), [["Odd", "x"]]],
    [
      'no parameter "x": it has none',
      changed((template) => Object.assign(template, { parameters: undefined })),
      [["x", "y"]],
    ],
    ["one resource", changed((template) => Object.assign(template, { resources: undefined })), []],
    ["scope must be", changed(({ resources: [it] }) => delete it["scope"]), []],
    ["has no extensionType", changed(({ resources: [it] }) => Object.assign(it, { properties: null })), []],
    ["is not JSON", "{", []],
    ["is not a JSON object", "[]", []],
    ["one resource", changed((template) => Object.assign(template, { resources: [] })), []],
    ["has variables", changed((template) => (template["variables"] = { a: 1 })), []],
    ["has functions", changed((template) => (template["functions"] = [{}])), []],
    ['"languageVersion"', changed((template) => (template["languageVersion"] = "2.0")), []],
    ['the resource has "condition"', changed(({ resources: [it] }) => (it["condition"] = false)), []],
    ["of type Microsoft.Web/sites", changed(({ resources: [it] }) => (it["type"] = "Microsoft.Web/sites")), []],
    ["scope must be", changed(({ resources: [it] }) => (it["scope"] = "elsewhere")), []],
    ["ReleaseTrain has no value", changed(({ parameters: { ReleaseTrain: it } }) => delete it?.["defaultValue"]), []],
    [
      "takes one of preview, stable",
      changed(({ parameters: { ReleaseTrain: it = {} } }) => (it["allowedValues"] = ["preview", "stable"])),
      [["ReleaseTrain", "other"]],
    ],
    ['ReleaseTrain has "minLength"', changed(({ parameters: { ReleaseTrain: it = {} } }) => (it["minLength"] = 3)), []],
    [
      "is of type Object",
      changed(({ parameters: { ReleaseTrain: it = {} } }) => (it["type"] = "Object")),
      [["ReleaseTrain", "{}"]],
    ],
  ])("%s", (message, text, given) => {
    expect(() => parseTemplate(text, given)).toThrow(CommandError);
    expect(() => parseTemplate(text, given)).toThrow(message);
  });
});

test.each([
  ["plain", "plain"],
  ["[[not one]", "[not one]"],
  ["[ concat( 'a' , 'it''s' ) ]", "ait's"],
  ["[CONCAT('x', Parameters('p'), 'y')]", "x<p>y"],
  ["[concat()]", ""],
])("%s means %s", (text, value) => {
  expect(evaluateText(text, (name) => `<${name}>`)).toBe(value);
});
