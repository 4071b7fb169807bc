import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeAdapters } from "../../src/commands/node-adapters.ts";
import { parseNodeFlags, type NodeFlags } from "../../src/commands/node-flags.ts";
import { startNodePlugin } from "../../src/commands/node-server.ts";
import { createClient, type CsiClient } from "../../src/grpc/client.ts";
import { createMetrics, type MetricsRegistry } from "../../src/metrics/metrics.ts";
import type { Nodes, PfxReader } from "../../src/ports.ts";
import { createFakeLog, type FakeLog } from "./log.ts";
import {
  createFakeClasses,
  createFakeEvents,
  createFakeNode,
  createFakePodStatuses,
  createFakeProviders,
  type FakeClasses,
  type FakeEvents,
  type FakeMounter,
  type FakePodStatuses,
  type FakeProviders,
  type FakeVolumeFiles,
} from "./ports.ts";
import { createFakePfx, createFakePods, createFakeSecrets, type FakePods, type FakeSecrets } from "./secrets.ts";

export interface DriverFakes {
  readonly classes: FakeClasses;
  readonly providers: FakeProviders;
  readonly statuses: FakePodStatuses;
  readonly mounter: FakeMounter;
  readonly files: FakeVolumeFiles;
  readonly pods: FakePods;
  readonly secrets: FakeSecrets;
  readonly nodes: Nodes;
  readonly pfx: PfxReader;
  readonly events: FakeEvents & { stop(): Promise<void> };
  readonly log: FakeLog;
}

/** Health and metrics of plugins that run side by side. */
export const freePorts: readonly string[] = ["--health-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0"];

/** What differs from a node of class shop/vault, provider azure and default flags. */
export interface DriverOverrides {
  readonly flags?: Partial<NodeFlags>;
  readonly adapters?: Partial<NodeAdapters>;
  readonly socketPath?: string;
}

export interface RunningDriver {
  readonly client: CsiClient;
  readonly fakes: DriverFakes;
  readonly socketPath: string;
  readonly metrics: MetricsRegistry;
  stop(): Promise<void>;
}

/** Fakes of a node on which the class shop/vault exists and names the provider azure. */
export function createDriverFakes(): DriverFakes {
  const classes = createFakeClasses();
  classes.held.set("shop/vault", { provider: "azure", parameters: { keyvaultName: "kv" } });
  return {
    classes,
    ...createFakeNode(),
    providers: createFakeProviders(),
    statuses: createFakePodStatuses(),
    pods: createFakePods(),
    nodes: { removeTaint: () => Promise.resolve("absent") },
    secrets: createFakeSecrets(),
    pfx: createFakePfx(),
    events: { ...createFakeEvents(), stop: () => Promise.resolve() },
    log: createFakeLog(),
  };
}

/** The real server over fake adapters, on a socket of its own. */
export async function startDriver(overrides: DriverOverrides = {}): Promise<RunningDriver> {
  const dir = await mkdtemp(join(tmpdir(), "driver-"));
  const socketPath = overrides.socketPath ?? join(dir, "csi.sock");
  const fakes = createDriverFakes();
  const { values } = parseNodeFlags(["--nodeid=node-1", ...freePorts]);
  const flags = { ...values, endpoint: `unix://${socketPath}`, ...overrides.flags };
  const { log, ...adapters } = fakes;
  const metrics = createMetrics();
  const plugin = await startNodePlugin(
    flags,
    { ...adapters, providers: { ...fakes.providers, probe: () => Promise.resolve() }, metrics, ...overrides.adapters },
    log,
  );
  const client = createClient(socketPath);
  return {
    client,
    fakes,
    socketPath,
    metrics,
    stop: async () => {
      client.close();
      await plugin.stop();
      await rm(dir, { recursive: true });
    },
  };
}
