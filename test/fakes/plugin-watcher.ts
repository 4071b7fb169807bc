import { credentials, type ServiceError } from "@grpc/grpc-js";
import { createClient } from "../../src/grpc/client.ts";
import { pluginRegistration } from "../../src/grpc/descriptors.ts";
import type { PluginInfo__Output as PluginInfo } from "../../src/grpc/generated/pluginregistration/PluginInfo.ts";

/** Kubelet's side of plugin registration, as kubelet 1.35 does it for one socket that it found. */
export interface PluginWatcher {
  /** Asks who is there, calls that CSI socket, and says that it is taken; resolves to what it learned. */
  take(socketPath: string): Promise<PluginInfo & { readonly nodeId: string }>;
  refuse(socketPath: string, error: string): Promise<void>;
}

export function createPluginWatcher(): PluginWatcher {
  return {
    take: (socketPath) =>
      withRegistration(socketPath, async ({ getInfo, notify }) => {
        const info = await getInfo();
        const plugin = createClient(info.endpoint);
        const { nodeId } = await plugin.node.nodeGetInfo({ deadlineMs: 5_000 });
        plugin.close();
        await notify({ pluginRegistered: true });
        return { ...info, nodeId };
      }),
    refuse: (socketPath, error) =>
      withRegistration(socketPath, ({ notify }) => notify({ pluginRegistered: false, error })),
  };
}

interface Calls {
  getInfo(): Promise<PluginInfo>;
  notify(verdict: { pluginRegistered: boolean; error?: string }): Promise<void>;
}

async function withRegistration<T>(socketPath: string, use: (calls: Calls) => Promise<T>): Promise<T> {
  const client = new pluginRegistration.Registration(`unix:${socketPath}`, credentials.createInsecure());
  const call = <Response>(
    send: (callback: (error: ServiceError | null, value?: Response) => void) => void,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      send((error, value) => {
        if (error) reject(error);
        else resolve(value as Response);
      });
    });
  try {
    return await use({
      getInfo: () => call((callback) => client.getInfo({}, callback)),
      notify: async (verdict) => {
        await call((callback) => client.notifyRegistrationStatus(verdict, callback));
      },
    });
  } finally {
    client.close();
  }
}
