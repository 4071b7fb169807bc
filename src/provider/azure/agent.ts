import { Agent } from "node:https";
import { createSecureContext, type ConnectionOptions } from "node:tls";
import { createLookup } from "./lookup.ts";
import { MOST_AT_ONCE } from "./capacity.ts";
import type { Proxy } from "./proxy.ts";
import { openTunnel } from "./tunnel.ts";
import { unprintable } from "./unprintable.ts";

/** A proxy that has not connected by then is told as the one that does not answer; shorter than a request's own limit. */
const TUNNEL_LIMIT_MS = 8_000;

/**
 * Connections to vaults and Entra ID, kept alive. Through a proxy they are tunnels, and the proxy resolves the name; what
 * the proxy does not serve goes straight, by the look-up of ours.
 */
export function createAgent(proxy: Proxy | undefined, limitMs = TUNNEL_LIMIT_MS): Agent {
  const lookup = createLookup();
  // One for all connections: Node would make one for each, of 30 KiB and more.
  const secureContext = createSecureContext();
  const agent = unprintable(new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE, lookup, secureContext }));
  if (proxy === undefined) return agent;
  const goStraight = agent.createConnection.bind(agent);
  agent.createConnection = (to, done) => {
    if (!proxy.serves(to.host ?? "", String(to.port ?? 443))) return goStraight(to, done);
    openTunnel(to as ConnectionOptions, { proxy, lookup, limitMs }).then(
      (secure) => done?.(null, secure),
      (error: unknown) => done?.(error as Error, undefined as never),
    );
    // The agent waits for the callback.
    return undefined;
  };
  return agent;
}
