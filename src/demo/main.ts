import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { createNarrator, type Narrator } from "./narrator.ts";
import { credentialsSecret, podManifest, secretProviderClass, tutorial, type TutorialPod } from "./objects.ts";
import type { RunningProcess } from "./processes.ts";
import { setStage, type Stage } from "./stage.ts";

const keep = process.argv.includes("--keep");
const colours = process.stdout.isTTY && !process.env["NO_COLOR"];
const tell = createNarrator((text) => process.stdout.write(text), colours);

tell.show(
  "\nA pod reads a secret from Azure Key Vault. Vault, token service and Kubernetes are emulated; the program,\nits gRPC socket, its HTTPS requests and the mounted volume are real.",
);
const stage = await tell.step("An emulated Azure and Kubernetes start", setStage);
let plugin: RunningProcess | undefined;
try {
  plugin = await tell.step("The plugin starts: one process, dist/main.js node", () => stage.startPlugin());
  await prepare(stage);
  await mountTutorialPod(stage, tell);
  await republish(stage, tell);
  await wrongSecretName(stage, tell);
  await wrongClientSecret(stage, tell);
  if (keep) await waitForCtrlC(stage, plugin);
  await unpublish(stage, tell);
  await stop(stage, plugin, tell);
  tell.show(
    `\nAll of it held, in ${(tell.elapsedMs() / 1000).toFixed(1)} s. Next: npm test; npm run demo -- --keep leaves it running to play with.`,
  );
} catch (error) {
  console.error(
    `\n${error instanceof Error ? error.message : "failed"}\n\nThe plugin wrote:\n${plugin?.output() ?? "nothing"}`,
  );
  process.exitCode = 1;
  await stage.kubelet.unpublish(tutorial.pod).catch(() => undefined);
} finally {
  await plugin?.stop();
  await stage.close();
}

async function prepare(on: Stage): Promise<void> {
  await tell.step(
    "The tutorial's objects: a secret in the vault, credentials, a SecretProviderClass, a pod",
    async () => {
      await on.emulator("set", "DemoSecret=MyExampleSecret");
      await on.apply(credentialsSecret(tutorial.credentials, on.settings.demo));
      await createPod(on, tutorial);
    },
  );
  await on.resetCounters();
}

async function createPod(on: Stage, names: TutorialPod): Promise<void> {
  await on.apply([secretProviderClass(names, on.settings, on.cloudFile), podManifest(names)].join("---"));
}

async function mountTutorialPod(on: Stage, { step, show, verify }: Narrator): Promise<void> {
  const [target = ""] = await step("kubelet publishes the pod's volume", () => on.kubelet.publish(tutorial.pod));
  show(`ls ${target.replace(on.dir, "…")}\n${await tree(target)}`);
  const content = await readFile(join(target, "DemoSecret"), "utf8");
  show(`cat …/DemoSecret\n${content}`);
  verify("the pod reads MyExampleSecret", content === "MyExampleSecret");
  verify(
    "the volume is a tmpfs of its own",
    (await mountsBelow(on)).some((line) => line.includes(target) && line.includes("- tmpfs")),
  );
  const { vaults, entra } = await on.counters();
  const vault = vaults["demo-vault"];
  show(
    Object.entries({ ...vault?.answers, ...entra.answers })
      .map(([request, count]) => `${count} × ${request}`)
      .join("\n"),
  );
  verify(
    "one read was asked of the vault, and nothing else",
    vault?.challenges === 0 && vault.requests === 1 && vault.answers["GET /secrets/DemoSecret/ 200"] === 1,
  );
  const name = `${tutorial.pod}-default-${tutorial.secretProviderClass}`;
  const status = await on.cluster.get({ plural: "secretproviderclasspodstatuses", namespace: "default", name });
  show(`secretproviderclasspodstatus/${name}\n${JSON.stringify(status?.["status"], null, 2).replaceAll(on.dir, "…")}`);
  verify(
    "its status says what is mounted, and belongs to the pod",
    status?.metadata.ownerReferences?.[0]?.name === tutorial.pod,
  );
}

async function republish(on: Stage, { step, verify }: Narrator): Promise<void> {
  const before = await on.counters();
  await step("kubelet publishes again, as it does every minute or so", () => on.kubelet.publish(tutorial.pod));
  const after = await on.counters();
  const pluginRequests = ({ kubernetes }: typeof after): string =>
    JSON.stringify(Object.entries(kubernetes.answers).filter(([request]) => request.includes("secretproviderclass")));
  verify(
    "it cost no request to vault, token service or Kubernetes",
    JSON.stringify([before.vaults, before.entra]) === JSON.stringify([after.vaults, after.entra]) &&
      pluginRequests(before) === pluginRequests(after),
  );
}

async function wrongSecretName(on: Stage, narrator: Narrator): Promise<void> {
  const names = { ...tutorial, pod: "wrong-name", secretProviderClass: "akvprovider-typo", objectName: "DemoSecrte" };
  await createPod(on, names);
  const error = await refusal(on, names, "A typo in the secret's name: what the user reads", narrator);
  narrator.verify(
    "it names the object and says what to do",
    error.includes("objectName:DemoSecrte") && error.includes("SecretNotFound"),
  );
}

async function wrongClientSecret(on: Stage, narrator: Narrator): Promise<void> {
  const names = { ...tutorial, pod: "wrong-credentials", credentials: "stale-creds" };
  await on.apply(credentialsSecret(names.credentials, { ...on.settings.demo, clientSecret: "expired-long-ago" }));
  await on.apply(podManifest(names));
  const error = await refusal(on, names, "A wrong client secret: what the user reads", narrator);
  narrator.verify(
    "it names Entra's reason, and holds no secret",
    error.includes("AADSTS7000215") && !error.includes("expired-long-ago"),
  );
}

async function refusal(
  on: Stage,
  { pod }: TutorialPod,
  title: string,
  { step, show, verify }: Narrator,
): Promise<string> {
  const error = await step(title, () =>
    on.kubelet.publish(pod).then(
      () => "",
      (e: unknown) => (e as { details?: string }).details ?? "",
    ),
  );
  show(error.replaceAll(/(.{1,110})(\s|$)/g, "$1\n"));
  const [target = ""] = await on.kubelet.targets(pod);
  verify(
    "nothing is left behind: no directory, no mount",
    !existsSync(target) && !(await mountsBelow(on)).join().includes(target),
  );
  return error;
}

async function unpublish(on: Stage, { step, verify }: Narrator): Promise<void> {
  const [target = ""] = await on.kubelet.targets(tutorial.pod);
  await step("The pod is deleted: kubelet unpublishes", () => on.kubelet.unpublish(tutorial.pod));
  verify("no directory and no mount is left", !existsSync(target) && (await mountsBelow(on)).length === 0);
}

async function stop(on: Stage, running: RunningProcess, { step, verify }: Narrator): Promise<void> {
  const code = await step("SIGTERM: the plugin drains and stops", () => running.stop());
  verify("it exits 0 and its socket is gone", code === 0 && !existsSync(on.socketPath));
}

async function waitForCtrlC(on: Stage, { pid }: RunningProcess): Promise<void> {
  const [target = ""] = await on.kubelet.targets(tutorial.pod);
  tell.show(`
Left running (plugin: pid ${pid}). From another terminal:
  cat /proc/${process.pid}/root${target}/DemoSecret
  npm run emulator -- set Another=value --dir ${on.dir}/emulator
  npm run emulator -- kubelet unpublish ${tutorial.pod} --dir ${on.dir}/emulator --socket ${on.socketPath} --root ${on.kubeletRoot}
  npm run emulator -- kubelet publish ${tutorial.pod} --dir ${on.dir}/emulator --socket ${on.socketPath} --root ${on.kubeletRoot}
  curl ${on.settings.controlUrl}/counters
Ctrl-C ends it and tidies up.`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}

/** What is in a volume, links with where they lead. */
async function tree(dir: string): Promise<string> {
  const entries = await readdir(dir, { withFileTypes: true });
  const lines = entries.map(async (entry) =>
    entry.isSymbolicLink() ? `${entry.name} -> ${await readlink(join(dir, entry.name))}` : `${entry.name}/`,
  );
  return (await Promise.all(lines)).sort().join("\n");
}

async function mountsBelow(on: Stage): Promise<readonly string[]> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  return mounts.split("\n").filter((line) => line.includes(on.dir));
}
