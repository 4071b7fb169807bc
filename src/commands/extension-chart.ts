import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parse } from "yaml";
import { CommandError } from "../errors.ts";
import type { Chart, ChartKey } from "../extension/catalogue.ts";
import type { Schema } from "../extension/schema.ts";

/** Filled in by `npm run build`. */
declare const BUILD_VERSION: string | undefined;

/** Beside dist/ in the package; beside src/ where the program runs from its sources. */
const directory = resolve(
  import.meta.dirname,
  typeof BUILD_VERSION === "string" ? ".." : "../..",
  "charts/azure-keyvault-csi",
);

/** The chart that the package carries. */
export async function readChart(): Promise<Chart> {
  const read = async (file: string): Promise<unknown> => parse(await readFile(`${directory}/${file}`, "utf8"));
  try {
    const { version } = (await read("Chart.yaml")) as { version: string };
    const { linux } = (await read("values.yaml")) as { linux: { image: { repository: string } } };
    const keys = (await read("files/keys.yaml")) as readonly ChartKey[];
    const schema = (await read("values.schema.json")) as Schema;
    return { directory, version, image: linux.image.repository, keys, schema };
  } catch (cause) {
    throw new CommandError(`the chart cannot be read at ${directory}`, {
      remedy: "run the program from its npm package, which carries the chart; the image does not",
      cause,
    });
  }
}
