import { Agent } from "node:https";
import type { Socket } from "node:net";
import { createLookup } from "./lookup.ts";
import { MOST_AT_ONCE } from "./capacity.ts";
import type { Proxy } from "./proxy.ts";

/** A proxy that has not connected by then is told as the one that does not answer; shorter than a request's own limit. */
const TUNNEL_LIMIT_MS = 8_000;

/**
 * Connections to vaults and Entra ID, kept alive. Through the proxy, Node makes the tunnel, and the proxy resolves the
 * name; what the proxy does not serve goes straight, by the look-up of ours.
 */
export function createAgent(proxy: Proxy | undefined, tunnelLimitMs = TUNNEL_LIMIT_MS): Agent {
  const options = { keepAlive: true, maxSockets: MOST_AT_ONCE, lookup: createLookup() };
  const straight = new Agent(options);
  if (proxy === undefined) return straight;
  const agent = new Agent({ ...options, proxyEnv: { https_proxy: proxy.href } });
  const tunnel = agent.createConnection.bind(agent);
  agent.createConnection = (to, done) => {
    if (!proxy.serves(to.host ?? "", String(to.port ?? 443))) return straight.createConnection(to, done);
    const limit = setTimeout(() => raw.destroy(tooLate()), tunnelLimitMs).unref();
    const raw = tunnel(to, (error, stream) => {
      clearTimeout(limit);
      done?.(error, stream);
    }) as Socket;
    // Node listens for errors only until the tunnel stands; those of the TLS within come by the callback.
    return raw.on("error", () => undefined);
  };
  return agent;
}

/** Node itself does not end a tunnel that does not come about, not even when its request is aborted. */
function tooLate(): Error {
  return Object.assign(new Error("the proxy did not connect in time"), { code: "ERR_PROXY_TUNNEL" });
}
