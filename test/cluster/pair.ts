import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { apply, get, kubectl, namespace, ready, remove, type KubernetesObject, type Pod } from "./kubectl.ts";
import { podDirectory } from "./node.ts";
import { mountPath, pod, secretClass } from "./objects.ts";
import { run, until } from "./shell.ts";

const group = "secrets-store.csi.x-k8s.io";

export interface PodStatus extends KubernetesObject {
  readonly status: { readonly objects: readonly { readonly id: string; readonly version: string }[] };
}

/** A class whose one object, of the same name, is also a Kubernetes Secret of that name. */
export function mirroredClass(name: string): object {
  const spc = secretClass(name, [name]) as { readonly spec: object };
  const data = [{ objectName: name, key: "password" }];
  return { ...spc, spec: { ...spc.spec, secretObjects: [{ secretName: name, type: "Opaque", data }] } };
}

export function statusOf(name: string): Promise<PodStatus | undefined> {
  return get<PodStatus>("secretproviderclasspodstatus", `${name}-${namespace}-${name}`);
}

/** The version that the vault has, as a pod's status tells it. */
async function currentVersions(name: string): Promise<PodStatus["status"]["objects"]> {
  const scout = { ...pod({ name: "scout", classes: [name], needs: `${mountPath}/${name}` }) };
  await apply(scout);
  await ready("scout");
  const found = await until("the scout's status is there", () =>
    get<PodStatus>("secretproviderclasspodstatus", `scout-${namespace}-${name}`),
  );
  await remove("scout");
  return found.status.objects;
}

/**
 * A running pod whose volume, pod status and Secret are as the established driver makes them: kubelet finds the volume
 * mounted and whole, since the pod is held back until it is.
 */
export async function startAsWithThePair(name: string, value: string): Promise<Pod> {
  // The plugin that runs meanwhile may not sync Secrets, and shall not try.
  await apply(secretClass(name, [name]));
  const objects = await currentVersions(name);
  const held = pod({ name, classes: [name], needs: `${mountPath}/${name}` });
  await apply({ ...held, spec: { ...held.spec, schedulingGates: [{ name: "example.com/volume" }] } });
  const uid = (await get("pod", name))?.metadata.uid ?? "";
  const targetPath = join(podDirectory(uid), "volumes/kubernetes.io~csi/secrets-1/mount");
  await mountAsThePair(targetPath, name, value);
  await reportAsThePair({ name, uid, value }, { mounted: true, podName: name, targetPath, objects });
  await kubectl("patch", "pod", name, "--type=json", "-p", '[{"op":"remove","path":"/spec/schedulingGates"}]');
  await ready(name);
  const running = await get<Pod>("pod", name);
  if (running === undefined) throw new Error(`pod ${name} is gone`);
  return running;
}

/** A tmpfs by mount(8), without options, and one file in the layout of Kubernetes' atomic writer. */
async function mountAsThePair(targetPath: string, file: string, value: string): Promise<void> {
  await until("the volume's directory is there", async () => {
    await mkdir(targetPath, { recursive: true });
    // Until something is mounted there, kubelet clears away directories of pods that are not its own yet.
    return run(["mount", "-t", "tmpfs", "tmpfs", targetPath]).then(
      () => true,
      () => false,
    );
  });
  const version = "..2026_01_02_15_04_05.1234567890";
  await mkdir(join(targetPath, version), { mode: 0o755 });
  await writeFile(join(targetPath, version, file), value, { mode: 0o644 });
  await symlink(version, join(targetPath, "..data"));
  await symlink(join("..data", file), join(targetPath, file));
}

interface Mirrored {
  readonly name: string;
  readonly uid: string;
  readonly value: string;
}

/** Pod status and Secret under the name by which the API server knows the established driver. */
async function reportAsThePair({ name, uid, value }: Mirrored, status: object): Promise<void> {
  const [node = ""] = (await kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")).split(" ");
  const statusName = `${name}-${namespace}-${name}`;
  await create({
    apiVersion: `${group}/v1`,
    kind: "SecretProviderClassPodStatus",
    metadata: {
      name: statusName,
      labels: { "internal.secrets-store.csi.k8s.io/node-name": node },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
    },
    status: { ...status, secretProviderClassName: name },
  });
  const owner = { apiVersion: `${group}/v1`, kind: "SecretProviderClassPodStatus", name: statusName };
  const ownerUid = (await statusOf(name))?.metadata.uid;
  await create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      labels: { "secrets-store.csi.k8s.io/managed": "true" },
      ownerReferences: [{ ...owner, uid: ownerUid }],
    },
    type: "Opaque",
    stringData: { password: value },
  });
}

async function create(object: object): Promise<void> {
  await run(["kubectl", "create", "--field-manager=secrets-store-csi", "-f", "-"], JSON.stringify(object));
}
