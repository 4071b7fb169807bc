import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { described, eventOf } from "./events.ts";
import { setAccess } from "./identities.ts";
import { metric } from "./metrics.ts";
import { wrapped, type Narrator } from "./narrator.ts";
import { crowd } from "./objects.ts";
import type { RunningProcess } from "./processes.ts";
import type { Stage } from "./stage.ts";
import { createPod, type Cast } from "./story.ts";
import { until } from "./until.ts";

const before = "MyExampleSecret";
const after = "ChangedInTheVault";

export async function moreStart(on: Stage, { step, verify }: Narrator, { pod, identity }: Cast): Promise<void> {
  for (const name of crowd) await createPod(on, { ...pod, pod: name });
  await on.resetCounters();
  await step(`${crowd.length} more pods of the class start at once`, () => publishAll(on, crowd));
  const requests = (await on.counters()).vaults["demo-vault"]?.requests ?? 0;
  if (identity.ofEachPod) verify("each cost the vault one request, for its own identity", requests === crowd.length);
  else verify("together they cost the vault one request at most", requests <= 1);
}

/** An upgrade, to a plugin that rotates. */
export async function replacePlugin(
  on: Stage,
  { step, verify }: Narrator,
  cast: Cast,
  old: RunningProcess,
): Promise<RunningProcess> {
  const flags = ["--enable-secret-rotation", "--rotation-poll-interval=1s"];
  const plugin = await step(`A new plugin takes over, with ${flags.join(" ")}`, async () => {
    await old.stop();
    return on.startPlugin(...flags);
  });
  verify("the volumes stayed mounted: all pods read on", await allRead(on, cast, before));
  // With each publish kubelet hands over the credentials, which the plugin keeps in memory only.
  await publishAll(on, replicas(cast));
  const refreshed = replicas(cast).length;
  await step("Its first pass", () =>
    until("every volume is refreshed", async () => (await metric(on, "rotation_reconcile_total")) >= refreshed),
  );
  return plugin;
}

export async function rotate(on: Stage, { step, show, verify }: Narrator, cast: Cast): Promise<void> {
  const { pod, objectName } = cast.pod;
  await step(`A new version in the vault: npm run emulator -- set ${objectName}=${after}`, async () => {
    await on.emulator("set", `${objectName}=${after}`);
    await until("rotation brings the new version", () => allRead(on, cast, after));
  });
  show(`cat …/${objectName}\n${await firstReads(on, cast)}`);
  verify(`all ${replicas(cast).length} running pods read it`, await allRead(on, cast, after));
  const event = await eventOf(on, pod, /was rotated/);
  show(wrapped(described(event)));
  verify(
    "an event of the pod names the version, not the value",
    event.reason === "MountRotationComplete" && /[0-9a-f]{32}/.test(event.message) && !event.message.includes(after),
  );
}

export async function failToRefresh(on: Stage, { step, show, verify }: Narrator, cast: Cast): Promise<void> {
  const { pod } = cast.pod;
  const objectId = cast.identity.objectId(on);
  const event = await step("The identity loses its right to read the vault", async () => {
    await setAccess(on, objectId, false);
    return eventOf(on, pod, /stays as it is/);
  });
  show(wrapped(described(event)));
  verify(
    "an event of the pod says why, and what to do",
    event.reason === "MountRotationFailed" &&
      event.message.includes("Let an access policy of vault demo-vault allow the caller to get secrets"),
  );
  verify("the files stay as they are", await allRead(on, cast, after));
  const recovered = await step("It gets the right back", async () => {
    await setAccess(on, objectId, true);
    return eventOf(on, pod, /up to date again/);
  });
  show(wrapped(described(recovered)));
  verify(
    "an event of the pod says so, and no value",
    recovered.reason === "MountRotationComplete" && !recovered.message.includes(after),
  );
}

function replicas({ pod }: Cast): readonly string[] {
  return [pod.pod, ...crowd];
}

async function publishAll(on: Stage, pods: readonly string[]): Promise<void> {
  await Promise.all(pods.map((name) => on.kubelet.publish(name)));
}

async function read(on: Stage, cast: Cast): Promise<readonly string[]> {
  const targets = await Promise.all(replicas(cast).map((name) => on.kubelet.targets(name)));
  return Promise.all(targets.flat().map((target) => readFile(join(target, cast.pod.objectName), "utf8")));
}

async function firstReads(on: Stage, cast: Cast): Promise<string> {
  return (await read(on, cast))[0] ?? "";
}

async function allRead(on: Stage, cast: Cast, value: string): Promise<boolean> {
  return (await read(on, cast)).every((text) => text === value);
}
