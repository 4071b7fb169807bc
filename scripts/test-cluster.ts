/**
 * `npm run test:cluster`: the stories of test/cluster on the cluster of the current kubeconfig, or on one that `--bed` starts.
 * Everything it makes is removed at the end, but for a cluster that it started.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const help = `npm run test:cluster [-- options] [-- files]
  --bed DIR                a cluster from parts: DIR/up starts it, DIR/load-image takes the image's archive
  --load COMMAND           how the image's archive gets onto the nodes without a bed, for example: kind load image-archive
  --image FILE             an archive that was made before (default: npm run image makes one)
  --local-base             make the image from a base made here, where no image registry is reached
  --emulator-address ADDR  this machine as the cluster's nodes see it (default: a node's address that is also this machine's)`;

const options = {
  bed: { type: "string" },
  load: { type: "string" },
  image: { type: "string" },
  "local-base": { type: "boolean" },
  "emulator-address": { type: "string" },
  help: { type: "boolean" },
} as const;

const { values, positionals } = read();
if (values.help) console.log(help);
else process.exitCode = run();

function read(): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : "cannot read the arguments"}\n${help}`);
    process.exit(2);
  }
}

function run(): number {
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", "config/vitest.cluster.config.ts"];
  const env = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `CLUSTER_TEST_${name.toUpperCase().replace("-", "_")}`,
      String(value),
    ]),
  );
  // Ctrl-C reaches the tests as well, which clean up.
  process.on("SIGINT", () => undefined);
  const { status } = spawnSync(process.execPath, [...vitest, "--project", "cluster", ...positionals], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}
