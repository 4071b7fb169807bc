import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DriverError } from "../errors.ts";
import { pluginRegistration } from "../grpc/descriptors.ts";
import type { RegistrationHandlers } from "../grpc/generated/pluginregistration/Registration.ts";
import type { RegistrationStatus__Output as RegistrationStatus } from "../grpc/generated/pluginregistration/RegistrationStatus.ts";
import { listen, type RunningServer, type Service } from "../grpc/server.ts";
import { unary } from "../grpc/unary.ts";
import type { Logger } from "../log.ts";
import type { Schedule } from "../ports.ts";

/** How often the registration socket is looked for: whoever clears kubelet's directory takes it away. */
const LOOK_PERIOD_MS = 10_000;
/** Kubelet's calls here are answered at once. */
const DRAIN_LIMIT_MS = 1_000;

/** Who registers, and where. */
export interface RegistrationOptions {
  readonly driverName: string;
  /** The CSI socket as kubelet sees it. */
  readonly csiSocketPath: string;
  /** Kubelet's `plugins_registry`, which it watches. */
  readonly dir: string;
}

/** A plugin that kubelet can find. */
export interface Registration {
  /** Whether kubelet has said that it took the plugin. */
  isRegistered(): boolean;
  /** Resolves when kubelet refuses the plugin or cannot find it any more, to a sentence that says so. */
  readonly ended: Promise<string>;
  /** Takes the socket away: kubelet forgets the plugin. */
  stop(): Promise<void>;
}

/**
 * Offers the plugin to kubelet's plugin watcher (pluginregistration.v1): a socket in its directory, which a restarted
 * kubelet finds again by itself.
 */
export async function register(options: RegistrationOptions, schedule: Schedule, log: Logger): Promise<Registration> {
  const socketPath = join(options.dir, `${options.driverName}-reg.sock`);
  const end = Promise.withResolvers<string>();
  let registered = false;
  const onVerdict = ({ pluginRegistered, error }: RegistrationStatus): void => {
    registered = pluginRegistered;
    if (registered) log.info("Registered with kubelet", { endpoint: options.csiSocketPath });
    else end.resolve(`kubelet refused to register the plugin: ${error}`);
  };
  const offer = (): Promise<RunningServer> => listen([registrationService(options, onVerdict, log)], socketPath);

  if (!(await exists(options.dir)))
    throw new DriverError(
      "InvalidRequest",
      `there is no directory ${options.dir}: set --registration-dir to plugins_registry below kubelet's root`,
    );
  let server = await offer();
  const watch = schedule.every(LOOK_PERIOD_MS, async () => {
    if (await exists(socketPath)) return;
    log.warn("The registration socket is gone; it is made anew", { endpoint: socketPath });
    registered = false;
    await server.stop(DRAIN_LIMIT_MS);
    try {
      server = await offer();
    } catch {
      // A mount of the directory that was there before; only a new container sees the one that kubelet watches now.
      end.resolve(`${options.dir} is not the directory that kubelet watches any more`);
    }
  });
  return {
    isRegistered: () => registered,
    ended: end.promise,
    stop: async () => {
      await watch.stop();
      await server.stop(DRAIN_LIMIT_MS);
    },
  };
}

function registrationService(
  { driverName, csiSocketPath }: RegistrationOptions,
  onVerdict: (verdict: RegistrationStatus) => void,
  log: Logger,
): Service {
  const info = { type: "CSIPlugin", name: driverName, endpoint: csiSocketPath, supportedVersions: ["1.0.0"] };
  const handlers: Pick<RegistrationHandlers, keyof RegistrationHandlers> = {
    GetInfo: unary(() => Promise.resolve(info), log),
    NotifyRegistrationStatus: unary((verdict: RegistrationStatus) => {
      onVerdict(verdict);
      return Promise.resolve({});
    }, log),
  };
  return { definition: pluginRegistration.Registration.service, handlers };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
