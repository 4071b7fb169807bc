import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { DemoIdentity } from "./identities.ts";
import { wrapped, type Narrator } from "./narrator.ts";
import { misspelling, mounted, podManifest, secretProviderClass, shopSecret, type PodShape } from "./objects.ts";
import type { RunningProcess } from "./processes.ts";
import type { Stage } from "./stage.ts";

/** Who is on stage: the tutorial's pod, and how it proves who it is. */
export interface Cast {
  readonly pod: PodShape;
  readonly identity: DemoIdentity;
}

export async function prepare(on: Stage, { step }: Narrator, { pod, identity }: Cast): Promise<void> {
  await step(`The tutorial's objects; the pod is ${identity.title}`, async () => {
    await on.emulator("set", "DemoSecret=MyExampleSecret");
    await identity.prepare(on);
    await createPod(on, pod);
  });
  await on.resetCounters();
}

export async function createPod(on: Stage, shape: PodShape): Promise<void> {
  await on.apply([secretProviderClass(shape, on.settings, on.cloudFile), podManifest(shape)].join("---"));
}

export async function mount(on: Stage, { step, show, verify }: Narrator, cast: Cast): Promise<void> {
  const [target = ""] = await step("kubelet publishes the pod's volume", () => on.kubelet.publish(cast.pod.pod));
  show(`ls ${target.replace(on.dir, "…")}\n${await tree(target)}`);
  const content = await readFile(join(target, "DemoSecret"), "utf8");
  show(`cat …/DemoSecret\n${content}`);
  verify("the pod reads MyExampleSecret", content === "MyExampleSecret");
  verify(
    "the volume is a tmpfs of its own",
    (await mountsBelow(on)).some((line) => line.includes(target) && line.includes("- tmpfs")),
  );
  const counters = await on.counters();
  const vault = counters.vaults["demo-vault"];
  show(
    Object.entries({ ...vault?.answers, ...cast.identity.asked(counters) })
      .map(([request, count]) => `${count} × ${request}`)
      .join("\n"),
  );
  verify(
    "one read was asked of the vault, and nothing else",
    vault?.challenges === 0 && vault.requests === 1 && vault.answers["GET /secrets/DemoSecret/ 200"] === 1,
  );
  const name = `${cast.pod.pod}-default-${cast.pod.secretProviderClass}`;
  const status = await on.cluster.get({ plural: "secretproviderclasspodstatuses", namespace: "default", name });
  show(`secretproviderclasspodstatus/${name}\n${JSON.stringify(status?.["status"], null, 2).replaceAll(on.dir, "…")}`);
  verify(
    "its status says what is mounted, and belongs to the pod",
    status?.metadata.ownerReferences?.[0]?.name === cast.pod.pod,
  );
}

export async function republish(on: Stage, { step, verify }: Narrator, { pod: { pod } }: Cast): Promise<void> {
  const before = await on.counters();
  await step("kubelet publishes again, as it does every minute or so", () => on.kubelet.publish(pod));
  const after = await on.counters();
  const azureRequests = ({ vaults, entra, imds, nmi, tokenProxy }: typeof after): string =>
    JSON.stringify([vaults, entra, imds, nmi, tokenProxy]);
  const pluginRequests = ({ kubernetes }: typeof after): string =>
    JSON.stringify(Object.entries(kubernetes.answers).filter(([request]) => request.includes("secretproviderclass")));
  verify(
    "it cost no request to vault, token service or Kubernetes",
    azureRequests(before) === azureRequests(after) && pluginRequests(before) === pluginRequests(after),
  );
}

export async function wrongSecretName(on: Stage, narrator: Narrator, { pod }: Cast): Promise<void> {
  const typo = { ...pod, pod: misspelling, secretProviderClass: "akvprovider-typo", objectName: "DemoSecrte" };
  const error = await refusal(on, typo, "A typo in the secret's name: what the user reads", narrator);
  narrator.verify(
    "it names the object and says what to do",
    error.includes("objectName:DemoSecrte") && error.includes("SecretNotFound"),
  );
}

export async function wrongIdentity(on: Stage, narrator: Narrator, { pod, identity }: Cast): Promise<void> {
  const { title, shape, prepare, words } = identity.wrong;
  await prepare?.(on);
  const parameters = { ...pod.parameters, ...shape.parameters };
  const names = { pod: "wrong-identity", secretProviderClass: "akvprovider-wrong-identity" };
  const wrong = { ...pod, ...shape, ...names, parameters };
  const error = await refusal(on, wrong, `${title}: what the user reads`, narrator);
  narrator.verify(
    "it says what is wrong and what to do",
    words.every((word) => error.includes(word)),
  );
  narrator.verify("it holds no secret", !error.includes("expired-long-ago") && !/eyJ[\w-]+\./.test(error));
}

async function refusal(on: Stage, shape: PodShape, title: string, { step, show, verify }: Narrator): Promise<string> {
  const { pod } = shape;
  await createPod(on, shape);
  const error = await step(title, () =>
    on.kubelet.publish(pod).then(
      () => "",
      (e: unknown) => (e as { details?: string }).details ?? "",
    ),
  );
  show(wrapped(error));
  const [target = ""] = await on.kubelet.targets(pod);
  verify(
    "nothing is left behind: no directory, no mount",
    !existsSync(target) && !(await mountsBelow(on)).join().includes(target),
  );
  return error;
}

export async function unpublish(on: Stage, { step, verify }: Narrator): Promise<void> {
  const targets = (await Promise.all(mounted.map((name) => on.kubelet.targets(name)))).flat();
  await step("The pods are deleted: kubelet unpublishes", async () => {
    await Promise.all(mounted.map((name) => on.kubelet.unpublish(name)));
    for (const name of mounted) await on.cluster.delete({ plural: "pods", namespace: "default", name });
  });
  verify("no directory and no mount is left", !targets.some(existsSync) && (await mountsBelow(on)).length === 0);
  verify("the Secret has gone with its pod", (await on.cluster.get(shopSecret)) === undefined);
}

export async function stop(on: Stage, running: RunningProcess, { step, verify }: Narrator): Promise<void> {
  const code = await step("SIGTERM: the plugin drains and stops", () => running.stop());
  verify("it exits 0 and its socket is gone", code === 0 && !existsSync(on.socketPath));
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
