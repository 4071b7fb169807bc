import type { Agent } from "node:http";

/** The SDK's log (AZURE_LOG_LEVEL) tells requests as JSON, agent included: its sockets hold tokens and what vaults answered. */
export function unprintable<T extends Agent>(agent: T): T {
  return Object.defineProperty(agent, "toJSON", { value: () => "agent" });
}
