import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { createCatalogue, type Chart } from "../../src/extension/catalogue.ts";

const directory = `${import.meta.dirname}/../../charts/azure-keyvault-csi`;

function read(file: string): unknown {
  return parse(readFileSync(`${directory}/${file}`, "utf8"));
}

/** The chart as it is. */
export const chart: Chart = {
  directory,
  version: (read("Chart.yaml") as { version: string }).version,
  image: "azure-keyvault-csi",
  keys: read("files/keys.yaml") as Chart["keys"],
  schema: read("values.schema.json") as Chart["schema"],
};

/** The settings of the chart as it is. */
export const catalogue = createCatalogue(chart);
