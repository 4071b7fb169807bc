import { DriverError } from "../errors.ts";
import type { Parameters, SecretObject } from "../model.ts";

/**
 * spec.secretObjects, in the form that the CRD's schema promises; what is left out is empty, white space around names is
 * nobody's intention (csi-driver 5.3). Whether an entry makes sense is judged when its Secret is made, so that a mistake
 * here stops no pod.
 */
export function parseSecretObjects(value: unknown): readonly SecretObject[] {
  return listAt("spec.secretObjects", value).map(({ field, item }) => ({
    secretName: textAt(`${field}.secretName`, item["secretName"]),
    type: textAt(`${field}.type`, item["type"]),
    labels: parseStrings(`${field}.labels`, item["labels"]),
    annotations: parseStrings(`${field}.annotations`, item["annotations"]),
    data: listAt(`${field}.data`, item["data"]).map(({ field: entry, item: { objectName, key } }) => ({
      objectName: textAt(`${entry}.objectName`, objectName),
      key: textAt(`${entry}.key`, key),
    })),
  }));
}

/** A map of strings; absent is empty. */
export function parseStrings(field: string, value: unknown = {}): Parameters {
  if (!isMap(value) || !Object.values(value).every((item) => typeof item === "string")) throw notOfTheForm(field);
  return value as Parameters;
}

function listAt(
  field: string,
  value: unknown = [],
): readonly { readonly field: string; readonly item: Readonly<Record<string, unknown>> }[] {
  if (!Array.isArray(value)) throw notOfTheForm(field);
  return value.map((item: unknown, index) => {
    if (!isMap(item)) throw notOfTheForm(`${field}[${index}]`);
    return { field: `${field}[${index}]`, item };
  });
}

function textAt(field: string, value: unknown = ""): string {
  if (typeof value !== "string") throw notOfTheForm(field);
  return value.trim();
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The API server would have refused it: what answers has other CRDs. */
export function notOfTheForm(field: string): DriverError {
  return new DriverError(
    "InvalidRequest",
    `${field} is not of the form that the CRD describes: correct it, and install the chart's CRDs`,
  );
}
