import { copyFile, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createClient } from "../../src/grpc/client.ts";
import { freePort } from "../fakes/free-port.ts";
import type { Other } from "./arguments.ts";
import { parseEntrypoint } from "./entrypoint.ts";
import type { Cloud } from "./emulator.ts";
import type { Processes } from "./processes.ts";

/** Of the plugin of ours. */
export const NODE_NAME = "bench-node";

/** A plugin that is measured. */
export interface Subject {
  readonly title: string;
  readonly socketPath: string;
  /** Where its kubelet has directories. */
  readonly kubeletRoot: string;
  pids(): readonly number[];
  /** Ends it and starts a new process, with more flags; the ms from spawn to the first good Probe. Only a plugin of ours can do that. */
  readonly restart?: (...flags: readonly string[]) => Promise<number>;
  readonly metricsUrl?: string;
  /** Of the probes; without a path. */
  readonly healthUrl?: string;
}

/**
 * The built program of this repository, run as the image runs it. Its Node is a copy: pages of the program that bench and
 * emulator run too would be counted to it in part only.
 */
export async function createOwnSubject(processes: Processes, dir: string, cloud: Cloud): Promise<Subject> {
  const socketPath = join(dir, "csi.sock");
  const { nodeFlags, env } = parseEntrypoint(await readFile("Dockerfile", "utf8"));
  const node = join(dir, "node");
  await copyFile(process.execPath, node);
  const [metricsAddress, healthAddress] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const flags = [
    `--nodeid=${NODE_NAME}`,
    `--endpoint=unix://${socketPath}`,
    `--health-addr=${healthAddress}`,
    `--metrics-addr=${metricsAddress}`,
  ];
  const command = [node, ...nodeFlags, "dist/main.js", "node", ...flags];
  const api = new URL(cloud.settings.kubernetesUrl);
  const ownEnv = {
    ...env,
    // Of the developer's machine, not of a pod.
    ...{ SSL_CERT_FILE: "", SSL_CERT_DIR: "", HTTPS_PROXY: "", https_proxy: "" },
    NODE_COMPILE_CACHE: join(dir, "cache"),
    NODE_EXTRA_CA_CERTS: join(cloud.dir, "ca.pem"),
    KUBECONFIG: "",
    KUBERNETES_SERVICE_HOST: api.hostname,
    KUBERNETES_SERVICE_PORT: api.port,
  };
  let running = { pid: 0, stop: () => Promise.resolve() };
  const restart = async (...more: readonly string[]): Promise<number> => {
    await running.stop();
    const startedAt = performance.now();
    running = await processes.start([...command, ...more], () => answersProbe(socketPath), ownEnv);
    return performance.now() - startedAt;
  };
  // A start and a stop fill the cache of compiled code, which the image brings along.
  await restart();
  await running.stop();
  return {
    title: "ours",
    socketPath,
    kubeletRoot: join(dir, "kubelet"),
    pids: () => [running.pid],
    restart,
    metricsUrl: `http://${metricsAddress}/metrics`,
    healthUrl: `http://${healthAddress}`,
  };
}

export function createOtherSubject({ socketPath, pids, root }: Other): Subject {
  return { title: "vs", socketPath, kubeletRoot: root, pids: () => pids };
}

/** A gRPC client waits a second after a refused connection, so it is asked only when somebody listens. */
async function answersProbe(socketPath: string): Promise<boolean> {
  if (!(await listens(socketPath))) return false;
  const client = createClient(socketPath);
  try {
    return (await client.identity.probe()).ready?.value ?? true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("error", settle(false)).once("connect", settle(true));
  });
}
