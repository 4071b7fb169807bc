import { once } from "node:events";
import { parseArgs } from "node:util";
import { identities, type DemoIdentity } from "./identities.ts";
import { readMetrics } from "./metrics.ts";
import { mirror } from "./mirror.ts";
import { createNarrator } from "./narrator.ts";
import { mounted, tutorial } from "./objects.ts";
import type { RunningProcess } from "./processes.ts";
import { failToRefresh, moreStart, replacePlugin, rotate } from "./rotation.ts";
import { setStage, type Stage } from "./stage.ts";
import { mount, prepare, republish, stop, unpublish, wrongIdentity, wrongSecretName, type Cast } from "./story.ts";

const usage = "npm run demo -- [--keep] [--identity NAME]";
const { keep, identity } = parseCommandLine();
const { pod, secretProviderClass, objectName } = tutorial;
const cast: Cast = {
  identity,
  pod: { pod, secretProviderClass, objectName, parameters: identity.parameters, ...identity.pod },
};
const colours = process.stdout.isTTY && !process.env["NO_COLOR"];
const tell = createNarrator((text) => process.stdout.write(text), colours);

tell.show(
  "\nA pod reads a secret from Azure Key Vault. Vault, token service and Kubernetes are emulated; the program,\nits gRPC socket, its HTTPS requests and the mounted volume are real.",
);
const stage = await tell.step("An emulated Azure and Kubernetes start", setStage);
let plugin: RunningProcess | undefined;
try {
  plugin = await tell.step("The plugin starts: one process, dist/main.js node", () => stage.startPlugin());
  for (const scene of [prepare, mount, republish, wrongSecretName, wrongIdentity, moreStart])
    await scene(stage, tell, cast);
  plugin = await replacePlugin(stage, tell, cast, plugin);
  for (const scene of [rotate, failToRefresh, mirror, readMetrics]) await scene(stage, tell, cast);
  if (keep) await waitForCtrlC(stage, plugin);
  await unpublish(stage, tell);
  await stop(stage, plugin, tell);
  tell.show(
    `\nAll of it held, in ${(tell.elapsedMs() / 1000).toFixed(1)} s. Next: npm test; npm run demo -- --keep leaves it running to play with;\nnpm run demo -- --identity ${Object.keys(identities).join("|")} shows how else a pod proves who it is.`,
  );
} catch (error) {
  console.error(
    `\n${error instanceof Error ? error.message : "failed"}\n\nThe plugin wrote:\n${plugin?.output() ?? "nothing"}`,
  );
  process.exitCode = 1;
  for (const name of mounted) await stage.kubelet.unpublish(name).catch(() => undefined);
} finally {
  await plugin?.stop();
  await stage.close();
}

function parseCommandLine(): { keep: boolean; identity: DemoIdentity } {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        identity: { type: "string", default: "principal" },
      },
    });
    if (values.help) {
      console.log(
        `${usage}\n--keep      leaves emulator and plugin running to play with\n--identity  how the pod proves who it is: ${Object.keys(identities).join(", ")}`,
      );
      process.exit(0);
    }
    const identity = Object.hasOwn(identities, values.identity) ? identities[values.identity] : undefined;
    if (identity === undefined) throw new Error(`--identity must be ${Object.keys(identities).join(", ")}`);
    return { keep: values.keep, identity };
  } catch (error) {
    console.error(`${usage}: ${error instanceof Error ? error.message : "failed"}`);
    process.exit(2);
  }
}

async function waitForCtrlC(on: Stage, { pid }: RunningProcess): Promise<void> {
  const [target = ""] = await on.kubelet.targets(tutorial.pod);
  tell.show(`
Left running (plugin: pid ${pid}). From another terminal:
  cat /proc/${process.pid}/root${target}/DemoSecret
  npm run emulator -- set DemoSecret=value --dir ${on.dir}/emulator      # within a second it is in the file
  curl ${on.metricsUrl}
  npm run emulator -- kubelet unpublish ${tutorial.pod} --dir ${on.dir}/emulator --socket ${on.socketPath} --root ${on.kubeletRoot}
  npm run emulator -- kubelet publish ${tutorial.pod} --dir ${on.dir}/emulator --socket ${on.socketPath} --root ${on.kubeletRoot}
  curl ${on.settings.controlUrl}/counters
Ctrl-C ends it and tidies up.`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}
