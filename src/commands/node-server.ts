import { Server } from "@grpc/grpc-js";
import { controllerService, identityService } from "../csi/identity.ts";
import { nodeService } from "../csi/node.ts";
import { csi } from "../grpc/descriptors.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { listen } from "../grpc/server.ts";
import type { Logger } from "../log.ts";
import { REPAIR_PERIOD_MS, repair } from "../rotation/repair.ts";
import { createTimerSchedule } from "../schedule/timer.ts";
import { createKeyedLock } from "../volume/keyed-lock.ts";
import { publishVolume } from "../volume/publish.ts";
import { unpublishVolume } from "../volume/unpublish.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import { createVolumes } from "../volume/volumes.ts";
import { buildInfo } from "./build-info.ts";
import type { NodeAdapters } from "./node-adapters.ts";
import type { NodeFlags } from "./node-flags.ts";

/** How long calls under way may take to end when the plugin stops; shorter than a pod's grace period of 30 s. */
const DRAIN_LIMIT_MS = 20_000;

/** The plugin, serving kubelet. */
export interface NodePlugin {
  /** Drains and stops; mounts stay. */
  stop(): Promise<void>;
}

/** Connects core and edges over the given adapters and listens on the CSI socket. */
export async function startNodePlugin(flags: NodeFlags, adapters: NodeAdapters, log: Logger): Promise<NodePlugin> {
  const ports: VolumePorts = {
    ...adapters,
    volumes: createVolumes(),
    locks: createKeyedLock(),
    clock: () => new Date(),
    log,
    nodeName: flags.nodeid,
  };
  const server = await listen(createCsiServer(flags, ports), socketPathOf(flags.endpoint));
  const repairs = createTimerSchedule(log).every(REPAIR_PERIOD_MS, (signal) => repair(ports, signal));
  return {
    stop: async () => {
      await Promise.all([repairs.stop(), server.stop(DRAIN_LIMIT_MS)]);
    },
  };
}

function createCsiServer(flags: NodeFlags, ports: VolumePorts): Server {
  const { log } = ports;
  const operations = {
    publish: (request: Parameters<typeof publishVolume>[0], signal: AbortSignal) =>
      publishVolume(request, ports, signal),
    unpublish: (targetPath: string, signal: AbortSignal) => unpublishVolume(targetPath, ports, signal),
  };
  const settings = { nodeId: flags.nodeid, podOverrides: flags["pod-overrides"] };
  const server = new Server();
  server.addService(
    csi.Identity.service,
    identityService({ name: flags.drivername, version: buildInfo.BuildVersion }, log),
  );
  server.addService(csi.Controller.service, controllerService(log));
  server.addService(csi.Node.service, nodeService(operations, settings, log));
  return server;
}
