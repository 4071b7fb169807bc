import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { nodeServices } from "../../src/emulator/node-services.ts";
import type { MountRequest } from "../../src/grpc/generated/v1alpha1/MountRequest.ts";
import { createEstablishedDriver, type EstablishedDriver } from "./established-driver.ts";
import { freePort } from "./free-port.ts";
import { secretObject, startServing, startWorld, type PluginProcess, type World } from "./world.ts";

/** A pod's volume as the established driver asks for it. */
export interface MountShape {
  readonly pod?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly objects?: string;
  /** Data of the Secret that nodePublishSecretRef names, by default that of the demo application; null is none. */
  readonly secrets?: Readonly<Record<string, string>> | null;
  /** The rest of the message, in place of what the driver would say. */
  readonly message?: Partial<MountRequest>;
}

/** The provider alone as a real process, in front of the emulated Azure. */
export interface ProviderWorld {
  readonly world: World;
  readonly socketPath: string;
  readonly healthUrl: string;
  readonly metricsUrl: string;
  readonly process: PluginProcess;
  /** The same once more. */
  start(): Promise<PluginProcess>;
  readonly driver: EstablishedDriver;
  messageOf(shape?: MountShape): MountRequest;
  close(): Promise<void>;
}

/** By default the built program is run; `commandIn` says how it is run otherwise, in the world's directory. */
export async function startProviderWorld(
  flags: readonly string[] = [],
  commandIn: (dir: string) => readonly string[] = () => ["dist/main.js"],
): Promise<ProviderWorld> {
  const world = await startWorld();
  const socketPath = join(world.dir, "azure.sock");
  const [healthz, metrics] = [await freePort(), await freePort()];
  const { settings } = world.emulator;
  const services = nodeServices(settings, join(world.dir, "emulator"));
  const ports = [`--healthz-port=127.0.0.1:${healthz}`, `--prometheus-port=127.0.0.1:${metrics}`];
  const command = commandIn(world.dir);
  const start = (): Promise<PluginProcess> =>
    startServing(
      [...command, "provider", `--endpoint=unix://${socketPath}`, ...ports, ...services.flags, ...flags],
      socketPath,
      { NODE_EXTRA_CA_CERTS: join(world.dir, "emulator/ca.pem"), ...services.env },
    );
  const process = await start();
  const driver = createEstablishedDriver(socketPath);
  return {
    world,
    socketPath,
    healthUrl: `http://127.0.0.1:${healthz}/healthz`,
    metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
    process,
    start,
    driver,
    messageOf: (shape = {}) => messageOf(shape, world),
    close: async () => {
      driver.close();
      if (process.child.exitCode === null) await process.stop();
      await world.close();
    },
  };
}

/** Parameters of the class, overlaid by the volume context, as the driver has them. */
function messageOf(
  { pod = "web-0", parameters, objects = secretObject("DemoSecret"), secrets, message }: MountShape,
  { emulator, dir, kubeletRoot }: World,
): MountRequest {
  const { clientId: clientid, clientSecret: clientsecret } = emulator.settings.demo;
  const uid = randomUUID();
  const attributes = {
    keyvaultName: "demo-vault",
    tenantId: emulator.settings.tenantId,
    cloudName: "AzureStackCloud",
    cloudEnvFileName: join(dir, "emulator/cloud.json"),
    objects,
    ...parameters,
    secretProviderClass: "demo",
    "csi.storage.k8s.io/pod.name": pod,
    "csi.storage.k8s.io/pod.namespace": "default",
    "csi.storage.k8s.io/pod.uid": uid,
    "csi.storage.k8s.io/serviceAccount.name": "default",
    "csi.storage.k8s.io/ephemeral": "true",
  };
  return {
    attributes: JSON.stringify(attributes),
    secrets: JSON.stringify(secrets === undefined ? { clientid, clientsecret } : secrets),
    targetPath: join(kubeletRoot, "pods", uid, "volumes/kubernetes.io~csi/secrets/mount"),
    permission: "420",
    ...message,
  };
}
