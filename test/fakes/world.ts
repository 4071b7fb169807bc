import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { freePorts } from "./driver.ts";
import { nodeServices } from "../../src/emulator/node-services.ts";
import { createKubelet, type Kubelet, type KubeletOptions } from "../../src/emulator/kubelet.ts";

/** The plugin as a real process of its own. */
export interface PluginProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Sends the signal and waits for the end; resolves to the exit code, null after a kill. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface PodShape {
  readonly pod: string;
  /** Name of the SecretProviderClass; by default the pod's. */
  readonly className?: string;
  readonly objects?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly fsGroup?: number;
  readonly readOnly?: boolean;
  /** Data of the Secret that nodePublishSecretRef names, by default that of the demo application; "none" leaves it out. */
  readonly credentials?: Readonly<Record<string, string>> | "none";
  readonly serviceAccountName?: string;
  readonly provider?: string;
  /** Kubernetes Secrets that the class asks for. */
  readonly secretObjects?: readonly object[];
}

/** Emulated Azure and Kubernetes, a kubelet, and the directories of one test. */
export interface World {
  readonly dir: string;
  readonly emulator: Emulator;
  readonly kubelet: Kubelet;
  readonly socketPath: string;
  readonly kubeletRoot: string;
  kubeletWith(options: Partial<KubeletOptions>): Kubelet;
  /** Starts `command` (by default the built program) with the flags that fit this world, and waits for its socket. */
  startPlugin(options?: {
    command?: readonly string[];
    flags?: readonly string[];
    env?: NodeJS.ProcessEnv;
  }): Promise<PluginProcess>;
  /** Creates Secret, SecretProviderClass and pod, all of that name. */
  createPod(shape: PodShape): Promise<void>;
  targetOf(pod: string): Promise<string>;
  podStatus(pod: string): Promise<Record<string, unknown> | undefined>;
  mounts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** One object of type secret, as users write it. */
export function secretObject(name: string, more: Readonly<Record<string, string>> = {}): string {
  const fields = Object.entries({ objectName: name, objectType: "secret", ...more });
  const [first = "", ...rest] = fields.map(([key, value]) => `${key}: ${value}`);
  return `array:\n  - |\n    ${[first, ...rest].join("\n    ")}\n`;
}

export async function startWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "akv-world-"));
  const kubeletRoot = join(dir, "kubelet");
  const socketPath = join(dir, "csi.sock");
  await mkdir(kubeletRoot);
  const emulator = await startEmulator({ dir: join(dir, "emulator"), ports: { entra: 0, vault: 0, kubernetes: 0 } });
  const { cluster, serviceAccountKey: signingKey, settings } = emulator;
  const services = nodeServices(settings, join(dir, "emulator"));
  const base = { socketPath, root: kubeletRoot, cluster, signingKey, tokensIn: "secrets" } as const;
  const kubelet = createKubelet(base);
  const targetOf = async (pod: string): Promise<string> => (await kubelet.targets(pod))[0] ?? "";
  const mounts = async (): Promise<string[]> =>
    (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(kubeletRoot));
  const key = (plural: string, name: string) => ({ plural, namespace: "default", name });
  return {
    dir,
    emulator,
    kubelet,
    socketPath,
    kubeletRoot,
    targetOf,
    kubeletWith: (options) => createKubelet({ ...base, ...options }),
    startPlugin: ({ command = ["dist/main.js"], flags = [], env = {} } = {}) =>
      startServing(
        [
          ...command,
          "node",
          `--endpoint=unix://${socketPath}`,
          "--nodeid=test-node",
          ...freePorts,
          ...services.flags,
          `--kubeconfig=${dir}/emulator/kubeconfig`,
          ...flags,
        ],
        socketPath,
        { NODE_EXTRA_CA_CERTS: join(dir, "emulator/ca.pem"), ...services.env, ...env },
      ),
    createPod: async (shape) => {
      for (const object of objectsOf(shape, {
        tenantId: settings.tenantId,
        cloudFile: join(dir, "emulator/cloud.json"),
        demo: settings.demo,
      }))
        await cluster.put(object as Parameters<typeof cluster.put>[0]);
    },
    podStatus: async (pod) => {
      const found = await cluster.get(key("secretproviderclasspodstatuses", `${pod}-default-${pod}`));
      return found?.["status"] as Record<string, unknown> | undefined;
    },
    mounts,
    close: async () => {
      await emulator.stop();
      for (const line of await mounts()) execFileSync("umount", [line.split(" ")[4] ?? ""]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function objectsOf(
  shape: PodShape,
  azure: { tenantId: string; cloudFile: string; demo: { clientId: string; clientSecret: string } },
): object[] {
  const { pod, objects = secretObject("DemoSecret"), attributes, fsGroup, readOnly = true, provider = "azure" } = shape;
  const { serviceAccountName, credentials, secretObjects } = shape;
  const metadata = { name: pod, namespace: "default" };
  const className = shape.className ?? pod;
  const parameters = {
    keyvaultName: "demo-vault",
    tenantId: azure.tenantId,
    cloudName: "AzureStackCloud",
    cloudEnvFileName: azure.cloudFile,
    objects,
    ...shape.parameters,
  };
  const { clientId: clientid, clientSecret: clientsecret } = azure.demo;
  const csi = {
    driver: "secrets-store.csi.k8s.io",
    readOnly,
    volumeAttributes: { secretProviderClass: className, ...attributes },
    ...(credentials !== "none" && { nodePublishSecretRef: { name: pod } }),
  };
  const securityContext = fsGroup === undefined ? {} : { fsGroup };
  return [
    ...(credentials === "none"
      ? []
      : [{ apiVersion: "v1", kind: "Secret", metadata, stringData: credentials ?? { clientid, clientsecret } }]),
    {
      apiVersion: "secrets-store.csi.x-k8s.io/v1",
      kind: "SecretProviderClass",
      metadata: { ...metadata, name: className },
      spec: { provider, parameters, ...(secretObjects && { secretObjects }) },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { securityContext, serviceAccountName, volumes: [{ name: "secrets", csi }] },
    },
  ];
}

/** Starts a command and waits until somebody answers on its socket. */
export async function startServing(
  command: readonly string[],
  socketPath: string,
  env: NodeJS.ProcessEnv,
): Promise<PluginProcess> {
  const [program = "", ...args] = command;
  const until = Date.now() + 30_000;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  // Not "exit": what it wrote last is still to be read then.
  const exited = once(child, "close");
  while (!(await serves(socketPath))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until)
      throw new Error(`the plugin does not serve: ${output.stderr}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** Whether somebody answers there; at the socket that a killed process left nobody does. */
function serves(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("error", () => {
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Names below a directory, to the last file. */
export async function everythingBelow(dir: string): Promise<readonly string[]> {
  return (await readdir(dir, { recursive: true })).sort();
}
