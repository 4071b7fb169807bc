import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AllCounters } from "../emulator/control.ts";
import { createKubelet, type Kubelet } from "../emulator/kubelet.ts";
import { createKubernetesClient, type KubernetesClient } from "../emulator/kubernetes-client.ts";
import { listen } from "../emulator/listener.ts";
import { nodeServices } from "../emulator/node-services.ts";
import type { EmulatorSettings } from "../emulator/settings.ts";
import { openSigningKey } from "../emulator/signing-key.ts";
import { run, startProcess, type RunningProcess } from "./processes.ts";

/** Everything that the story happens on: emulator and plugin as real processes, and a kubelet. */
export interface Stage {
  readonly dir: string;
  readonly socketPath: string;
  readonly kubeletRoot: string;
  readonly cloudFile: string;
  readonly settings: EmulatorSettings;
  readonly cluster: KubernetesClient;
  readonly kubelet: Kubelet;
  /** Runs `npm run emulator -- …` against this emulator. */
  emulator(...words: readonly string[]): Promise<string>;
  apply(yaml: string): Promise<void>;
  /** Steers the emulator (`src/emulator/control.ts`). */
  tell(path: string, body: object): Promise<void>;
  counters(): Promise<AllCounters>;
  resetCounters(): Promise<void>;
  startPlugin(...flags: readonly string[]): Promise<RunningProcess>;
  readonly metricsUrl: string;
  close(): Promise<void>;
}

const emulatorMain = "src/emulator/main.ts";

export async function setStage(): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "azure-keyvault-csi-demo-"));
  const emulatorDir = join(dir, "emulator");
  const socketPath = join(dir, "csi.sock");
  const kubeletRoot = join(dir, "kubelet");
  await mkdir(kubeletRoot);
  const command = [process.execPath, emulatorMain, "--any-port", "--dir", emulatorDir];
  const emulator = await startProcess(command, { ready: join(emulatorDir, "emulator.json") });
  const settings = JSON.parse(await readFile(join(emulatorDir, "emulator.json"), "utf8")) as EmulatorSettings;
  const ca = await readFile(join(emulatorDir, "ca.pem"), "utf8");
  const cluster = createKubernetesClient({ url: settings.kubernetesUrl, ca, token: settings.adminToken });
  const signingKey = await openSigningKey(join(emulatorDir, "service-account-key.json"));
  const metricsAddress = await freeAddress();
  const say = (...words: readonly string[]): Promise<string> =>
    run([process.execPath, emulatorMain, "--dir", emulatorDir, ...words]);
  return {
    dir,
    socketPath,
    kubeletRoot,
    cloudFile: join(emulatorDir, "cloud.json"),
    settings,
    cluster,
    kubelet: createKubelet({ socketPath, root: kubeletRoot, cluster, signingKey, tokensIn: "secrets" }),
    emulator: say,
    apply: async (yaml) => {
      await cluster.apply(yaml);
    },
    tell: async (path, body) => {
      const answer = await fetch(settings.controlUrl + path, { method: "PUT", body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`the emulator does not take ${path}: ${await answer.text()}`);
    },
    counters: async () => (await (await fetch(`${settings.controlUrl}/counters`)).json()) as AllCounters,
    resetCounters: async () => {
      await fetch(`${settings.controlUrl}/reset`, { method: "POST" });
    },
    startPlugin: (...flags) => {
      const own = [`--endpoint=unix://${socketPath}`, `--metrics-addr=${metricsAddress}`, ...flags];
      return startPlugin(settings, emulatorDir, { flags: own, ready: socketPath });
    },
    metricsUrl: `http://${metricsAddress}/metrics`,
    close: async () => {
      await emulator.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function startPlugin(
  settings: EmulatorSettings,
  emulatorDir: string,
  { flags, ready }: { readonly flags: readonly string[]; readonly ready: string },
): Promise<RunningProcess> {
  const services = nodeServices(settings, emulatorDir);
  const common = ["--nodeid=demo-node", `--kubeconfig=${emulatorDir}/kubeconfig`, "--health-addr=127.0.0.1:0", "-v=5"];
  const env = { ...services.env, NODE_EXTRA_CA_CERTS: join(emulatorDir, "ca.pem") };
  return startProcess(["dist/main.js", "node", ...common, ...services.flags, ...flags], { ready, env });
}

/** One that nobody uses now. */
async function freeAddress(): Promise<string> {
  const listener = await listen(() => new Response(), { port: 0 });
  await listener.stop();
  return `127.0.0.1:${listener.port}`;
}
