import type { IdentityHandlers } from "../grpc/generated/csi/v1/Identity.ts";
import type { ControllerHandlers } from "../grpc/generated/csi/v1/Controller.ts";
import type { Logger } from "../log.ts";
import { unary } from "../grpc/unary.ts";

export interface PluginInfo {
  readonly name: string;
  readonly version: string;
}

/** CSI Identity: who we are. Ready as soon as it answers, since nothing is awaited from outside. */
export function identityService(plugin: PluginInfo, log: Logger): Pick<IdentityHandlers, keyof IdentityHandlers> {
  return {
    GetPluginInfo: unary(() => Promise.resolve({ name: plugin.name, vendorVersion: plugin.version }), log),
    GetPluginCapabilities: unary(() => Promise.resolve({ capabilities: [] }), log),
    Probe: unary(() => Promise.resolve({ ready: { value: true } }), log),
  };
}

/**
 * No controller is advertised, yet conformance suites ask for its capabilities. One capability without a type: an empty
 * list cannot be told from none on the wire, and every real type would promise something.
 */
export function controllerService(log: Logger): Pick<ControllerHandlers, keyof ControllerHandlers> {
  return { ControllerGetCapabilities: unary(() => Promise.resolve({ capabilities: [{}] }), log) };
}
