/**
 * The node plugin with every port wrapped, so that it is killed right before a step of its work, as by SIGKILL from
 * outside. `KILL_AT` is the number of that step, from 1; `STEPS_FILE` gets the name of each step, a line each, before
 * the step is done. A step is one call that has an effect outside of the process or asks about one: a call of node:fs,
 * a system call, a request; the answer of a request counts as a step of its own.
 */
import * as nodeFs from "node:fs";
import { createNodeAdapters } from "../../src/commands/node-adapters.ts";
import { parseNodeFlags } from "../../src/commands/node-flags.ts";
import { startNodePlugin } from "../../src/commands/node-server.ts";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { createLogger } from "../../src/logging/logger.ts";
import { loadKernel } from "../../src/mount/kernel.ts";
import { createMounter } from "../../src/mount/mounter.ts";
import { hardenProcess } from "../../src/process/harden.ts";
import { defaultMaxContentBytes, maxFiles } from "../../src/volume/payload.ts";

const { KILL_AT = "", STEPS_FILE } = process.env;
let steps = 0;

function step(name: string): void {
  steps++;
  if (STEPS_FILE !== undefined) nodeFs.appendFileSync(STEPS_FILE, `${name}\n`);
  if (steps !== Number(KILL_AT)) return;
  process.kill(process.pid, "SIGKILL");
  // Nothing more happens, however long the signal takes to arrive.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** The same object, each call a step. */
function stepwise<T extends object>(label: string, target: T): T {
  return new Proxy(target, {
    get: (object, key) => {
      const real: unknown = Reflect.get(object, key);
      if (typeof real !== "function") return real;
      const name = `${label}.${String(key)}`;
      return (...args: unknown[]): unknown => {
        step(name);
        const outcome: unknown = Reflect.apply(real, object, args);
        return outcome instanceof Promise ? answered(name, outcome) : outcome;
      };
    },
  });
}

async function answered(name: string, outcome: Promise<unknown>): Promise<unknown> {
  const answer = await outcome;
  step(`${name} answered`);
  return answer;
}

const { values: flags, problems } = parseNodeFlags(process.argv.slice(3));
if (problems.length > 0) throw new Error(problems.join("\n"));
const log = createLogger({ verbosity: flags.v, json: false, stdout: process.stdout, stderr: process.stderr });
const { classes, providers, statuses, pods, secrets, nodes, pfx, events, metrics } = await createNodeAdapters(
  flags,
  process.env,
  log,
);
await hardenProcess();
const plugin = await startNodePlugin(
  flags,
  {
    metrics,
    classes: stepwise("classes", classes),
    providers: { ...providers, named: (name) => stepwise("provider", providers.named(name)) },
    statuses: stepwise("statuses", statuses),
    pods: stepwise("pods", pods),
    secrets: stepwise("secrets", secrets),
    nodes,
    pfx,
    events,
    mounter: createMounter({
      kernel: stepwise("kernel", await loadKernel()),
      fs: stepwise("mount", nodeFs),
      capacity: { contentBytes: defaultMaxContentBytes, files: maxFiles },
      noswap: false,
    }),
    files: createVolumeFiles({ fs: stepwise("files", nodeFs) }),
  },
  log,
);
process.once("SIGTERM", () => {
  void plugin.stop().then(() => process.exit(0));
});
