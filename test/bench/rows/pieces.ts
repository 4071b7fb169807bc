import { mkdtemp, rm } from "node:fs/promises";
import { createVolumeFiles } from "../../../src/files/volume-files.ts";
import { parseObjects } from "../../../src/provider/azure/objects.ts";
import { payloadOf } from "../../fakes/payload.ts";
import { spread, type Row } from "../row.ts";
import { repeat, timed } from "../timing.ts";

const SAMPLES = 20;

/** What nothing else can interrupt while it runs: by the plugin's own code, in this process. */
function pieces(secrets: number): Row {
  const names = Array.from({ length: secrets }, (_, index) => `secret-${index + 1}`);
  return {
    name: `pieces-${secrets}`,
    title: `what the plugin does in one piece for a volume of ${secrets} secrets, while everybody else waits`,
    figures: ["objects read", "written", "compared", "cleared"].map((name) => spread(name, "ms")),
    measure: async () => {
      const volume = await mkdtemp("/dev/shm/akv-bench-");
      const files = createVolumeFiles();
      const content = (value: string) => payloadOf(Object.fromEntries(names.map((name) => [name, value])));
      let round = 0;
      const samples = await repeat(SAMPLES, async () => {
        const text = objectsText(names, (round += 1));
        const payload = content(String(round));
        return {
          read: await timed(() => Promise.resolve(parseObjects(text))),
          written: await timed(() => files.write(volume, payload)),
          compared: await timed(() => files.write(volume, payload)),
          cleared: await timed(() => files.clear(volume)),
        };
      });
      await rm(volume, { recursive: true });
      return {
        "objects read": samples.map(({ read }) => read),
        written: samples.map(({ written }) => written),
        compared: samples.map(({ compared }) => compared),
        cleared: samples.map(({ cleared }) => cleared),
      };
    },
  };
}

function objectsText(names: readonly string[], round: number): string {
  const items = names.map(
    (name) => `  - |\n    objectName: ${name}\n    objectType: secret\n    objectAlias: a${round}/${name}\n`,
  );
  return `array:\n${items.join("")}`;
}

export const piecesOfWork: readonly Row[] = [10, 100, 500].map(pieces);
