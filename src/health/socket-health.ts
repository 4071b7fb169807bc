import { checkHealth } from "../grpc/health-client.ts";
import type { Routes } from "./http.ts";

/** What the probes of the provider's pod look at. */
export interface SocketHealthOptions {
  readonly path: string;
  readonly socketPath: string;
  readonly limitMs: number;
}

/** Asks gRPC's health service on the real socket, over a connection of its own, as the driver would come. */
export function socketHealthRoute({ path, socketPath, limitMs }: SocketHealthOptions): Routes {
  return {
    [path]: async () => {
      const problem = await checkHealth(socketPath, limitMs);
      return problem === undefined ? { status: 200, text: "ok" } : { status: 503, text: problem };
    },
  };
}
