import { describe, expect, test } from "vitest";
import { CommandError } from "../../../src/errors.ts";
import { schemaAt, typed, type Schema } from "../../../src/extension/schema.ts";
import { parseSettings, splitSetting, withSettings, type WrittenSetting } from "../../../src/extension/settings.ts";
import type { ChartValues } from "../../../src/release-model.ts";
import { catalogue, chart } from "../../fakes/chart-catalogue.ts";

const driver = "secrets-store-csi-driver";

function written(...words: readonly string[]): readonly WrittenSetting[] {
  return words.map((word) => splitSetting(word, false));
}

function valuesOf(...words: readonly string[]): ChartValues {
  return withSettings({}, parseSettings(written(...words), catalogue));
}

function refusal(settings: readonly WrittenSetting[]): CommandError {
  try {
    parseSettings(settings, catalogue);
  } catch (error) {
    if (error instanceof CommandError) return error;
  }
  throw new Error("it was taken");
}

describe("a setting has the place and the type that the chart gives it", () => {
  test.each<[string, ChartValues]>([
    [`${driver}.enableSecretRotation=true`, { [driver]: { enableSecretRotation: true } }],
    ["enableSecretRotation=true", { [driver]: { enableSecretRotation: true } }],
    ["rotationPollInterval=3m", { [driver]: { rotationPollInterval: "3m" } }],
    ["syncSecret.enabled=false", { [driver]: { syncSecret: { enabled: false } } }],
    ["logVerbosity=5", { logVerbosity: 5 }],
    ["linux.podLabels.team=true", { linux: { podLabels: { team: "true" } } }],
    [String.raw`linux.podLabels.example\.com/team=7`, { linux: { podLabels: { "example.com/team": "7" } } }],
    ["linux.image.tag=1.10", { linux: { image: { tag: "1.10" } } }],
    ["linux.env[0].name=A", { linux: { env: [{ name: "A" }] } }],
    ['linux.env=[{"name":"A","value":"b=c"}]', { linux: { env: [{ name: "A", value: "b=c" }] } }],
    ['linux.podLabels={"a":"b"}', { linux: { podLabels: { a: "b" } } }],
    ["metricsAddr=9000", { metricsAddr: 9000 }],
    ["metricsAddr=127.0.0.1:9000", { metricsAddr: "127.0.0.1:9000" }],
    ["enableArcExtension=true", { enableArcExtension: true }],
    ["podOverrides=none", { podOverrides: "none" }],
    ["cloudName=", { cloudName: "" }],
    // Nothing is said of what is free, so Helm's own rule holds.
    ["linux.affinity.podAntiAffinity.weight=7", { linux: { affinity: { podAntiAffinity: { weight: 7 } } } }],
    ["linux.resources.limits.cpu=007", { linux: { resources: { limits: { cpu: "007" } } } }],
  ])("%s", (word, expected) => {
    expect(valuesOf(word)).toEqual(expected);
  });

  test("of two for one place the last counts, and null takes it back", () => {
    expect(valuesOf("logVerbosity=1", "logVerbosity=2")).toEqual({ logVerbosity: 2 });
    expect(valuesOf("linux.podLabels.a=b", "linux.podLabels.a=null")).toEqual({});
  });

  test("every key of the chart may be set, but for those that the extension keeps", () => {
    const refused = chart.keys.filter(({ key }) => catalogue.find(key.split(".")) === undefined);
    expect(refused.map(({ key }) => key).filter((key) => !key.startsWith("extension."))).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
  });

  test("a key of the established pair that means nothing here is taken, and says why", () => {
    expect(parseSettings(written("mdm.resources.a=b"), catalogue)[0]?.unused).toContain("monitoring");
  });
});

describe("of a schema that the chart has not yet", () => {
  test.each<[string, Schema, string, unknown]>([
    ["a number without bounds", { type: "integer" }, "7", 7],
    ["a number with a lower bound", { type: "integer", minimum: 1 }, "7", 7],
    ["a definition that is not there", { $ref: "#/definitions/none" }, "x", "x"],
    ["text or nothing", { type: ["string", "null"] }, "x", "x"],
  ])("%s", (_, schema, text, value) => {
    expect(typed(text, schemaAt({ properties: { a: schema } }, ["a"]))).toBe(value);
  });

  test.each<[Schema, string]>([
    [{ type: "integer" }, "a whole number"],
    [{ type: "integer", minimum: 1 }, "a whole number from 1"],
    [{ enum: ["", "a"] }, 'one of "", a'],
  ])("%j takes %s", (schema, wanted) => {
    expect(() => typed("x", schema)).toThrow(new Error(wanted));
  });
});

describe("refused, with what was probably meant", () => {
  test.each([
    ["enableSecretRotaton=true", "there is no setting enableSecretRotaton: the nearest is enableSecretRotation"],
    ["secretstore.enableSecretRotation=1", "the nearest is "],
    [`${driver}.rotationPolInterval=3m`, `the nearest is ${driver}.rotationPollInterval`],
    ["linux.toleratons=[]", "the nearest is linux.tolerations"],
    ["enabled=true", "there is no setting enabled: the nearest is "],
    ["linux=1", "there is no setting linux"],
    ["logVerbosity.x=1", "there is no setting logVerbosity.x"],
    ["logVerbosity[0]=1", "there is no setting logVerbosity[0]"],
    ["a..b=1", "there is no setting a..b"],
    ["__proto__=1", "there is no setting __proto__"],
    ["extension.clusterName=x", "setting extension.clusterName is kept by the extension itself"],
  ])("%s", (word, message) => {
    expect(refusal(written(word)).message).toContain(message);
  });

  test.each([
    ["enableSecretRotation=maybe", 'setting enableSecretRotation takes true or false, not "maybe"'],
    ["logVerbosity=11", 'setting logVerbosity takes a whole number from 0 to 10, not "11"'],
    ["logVerbosity=1.5", "takes a whole number from 0 to 10"],
    [`${driver}.rotationPollInterval=soon`, "takes text that fits ^"],
    ["podOverrides=some", 'setting podOverrides takes one of all, none, not "some"'],
    ["linux.env=x", "takes a list in JSON"],
    [
      "linux.env[0].value=null",
      "linux.env[0].value is a place in a list, and not taken back alone: linux.env=null takes",
    ],
    ["linux.env[0]=null", "linux.env=null takes all of it"],
    ["linux.affinity=[]", "takes a map in JSON"],
  ])("%s", (word, message) => {
    expect(refusal(written(word)).message).toContain(message);
  });

  test("all at once, as usage", () => {
    const { message, exit } = refusal(written("a=1", "logVerbosity=x"));
    expect(message.split("\n")).toHaveLength(2);
    expect(exit).toBe(2);
  });

  test("what has no name, or is no setting", () => {
    for (const word of ["word", "=value", ""]) expect(() => splitSetting(word, false)).toThrow("is not a setting");
  });

  test("a protected value is not quoted", () => {
    const secret = "hunter2-hunter2";
    expect(refusal([{ name: "logVerbosity", text: secret, isProtected: true }]).message).not.toContain(secret);
    expect(() => splitSetting(secret, true)).toThrow("a protected setting has no name");
  });
});
