import { controllerService, identityService } from "../csi/identity.ts";
import { nodeService, type NodeOperations } from "../csi/node.ts";
import { csi } from "../grpc/descriptors.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { listen, type Service } from "../grpc/server.ts";
import { healthRoutes } from "../health/health.ts";
import type { Logger } from "../log.ts";
import type { Schedule } from "../ports.ts";
import { register, type Registration } from "../registration/registration.ts";
import { agesOf } from "../rotation/ages.ts";
import { createNotices } from "../rotation/notices.ts";
import { backoff } from "../schedule/backoff.ts";
import { createTimerSchedule } from "../schedule/timer.ts";
import { createPreparations } from "../volume/preparations.ts";
import { createKeyedLock } from "../sync/keyed-lock.ts";
import { publishVolume } from "../volume/publish.ts";
import { unpublishVolume } from "../volume/unpublish.ts";
import type { VolumePorts } from "../volume/volume-ports.ts";
import { createVolumes } from "../volume/volumes.ts";
import { buildInfo } from "./build-info.ts";
import type { NodeAdapters } from "./node-adapters.ts";
import type { NodeFlags } from "./node-flags.ts";
import { serveProbes } from "./node-probes.ts";
import { liftStartupTaint } from "./node-taint.ts";
import { startUpkeep } from "./node-upkeep.ts";
import { DRAIN_LIMIT_MS, type Running } from "./serving.ts";

/**
 * Connects core and edges over the given adapters. Health and metrics come before the CSI socket, so that a second plugin on
 * the node fails at their ports and not by taking the first one's socket; registration is last. Stopped in reverse order; mounts stay. It ends when kubelet refuses it.
 */
export async function startNodePlugin(flags: NodeFlags, adapters: NodeAdapters, log: Logger): Promise<Running> {
  const ports = connectCore(flags, adapters, log);
  const csiSocketPath = socketPathOf(flags.endpoint);
  const schedule = createTimerSchedule(log);
  await using started = new AsyncDisposableStack();
  let unready: () => string | undefined = () => "starting";
  const probes = await serveProbes(flags, healthRoutes({ csiSocketPath, unready: () => unready() }), adapters.metrics);
  started.defer(() => probes.stop());

  started.defer(() => adapters.events.stop());
  const server = await listen(csiServices(flags, ports), csiSocketPath);
  started.defer(() => server.stop(DRAIN_LIMIT_MS));
  started.use(startUpkeep(flags, ports, schedule));
  if (flags["provider-health-check"]) {
    const probing = schedule.every(flags["provider-health-check-interval"], adapters.providers.probe);
    started.defer(() => probing.stop());
  }

  const registration = await startRegistration(flags, csiSocketPath, schedule, log);
  started.defer(() => registration.stop());
  unready = () => (registration.isRegistered() ? undefined : "kubelet has not registered the plugin yet");
  const { nodeid: name, "startup-taint": taint } = flags;
  if (taint !== "")
    started.use(liftStartupTaint({ name, taint, isReady: registration.isRegistered }, adapters.nodes, schedule, log));
  const running = started.move();
  return {
    ended: registration.ended,
    stop: async () => {
      unready = () => "stopping";
      await running.disposeAsync();
    },
  };
}

function connectCore(flags: NodeFlags, adapters: NodeAdapters, log: Logger): VolumePorts {
  const rotates = flags["enable-secret-rotation"];
  const volumes = createVolumes({ keepsCredentials: rotates });
  const clock = (): Date => new Date();
  const elapsed = (): number => performance.now();
  adapters.metrics.watchAges(() => agesOf(volumes.all(), { rotates }));
  return {
    ...adapters,
    events: createNotices(adapters.events, elapsed, log),
    tokenTypesAllowed: flags["allow-token-secret-types"],
    volumes,
    locks: createKeyedLock(),
    preparations: createPreparations(),
    maxContentBytes: flags["max-call-recv-msg-size"],
    backoff,
    clock,
    elapsed,
    log,
    nodeName: flags.nodeid,
  };
}

/** Where no directory is given, nobody has to know the plugin. */
function startRegistration(
  flags: NodeFlags,
  csiSocketPath: string,
  schedule: Schedule,
  log: Logger,
): Promise<Registration> {
  const dir = flags["registration-dir"];
  if (dir !== "") return register({ driverName: flags.drivername, csiSocketPath, dir }, schedule, log);
  const never = Promise.withResolvers<string>().promise;
  return Promise.resolve({ isRegistered: () => true, ended: never, stop: () => Promise.resolve() });
}

function csiServices(flags: NodeFlags, ports: VolumePorts): readonly Service[] {
  const { log, metrics } = ports;
  const operations: NodeOperations = {
    publish: (request, call) => publishVolume(request, ports, call),
    unpublish: (targetPath, signal) => unpublishVolume(targetPath, ports, signal),
  };
  const settings = { nodeId: flags.nodeid, podOverrides: flags["pod-overrides"] };
  const plugin = { name: flags.drivername, version: buildInfo.BuildVersion };
  return [
    { definition: csi.Identity.service, handlers: identityService(plugin, log) },
    { definition: csi.Controller.service, handlers: controllerService(log) },
    { definition: csi.Node.service, handlers: nodeService(operations, settings, { log, metrics }) },
  ];
}
