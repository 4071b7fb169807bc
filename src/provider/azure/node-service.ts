import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import type { Postponement } from "./retry-after.ts";
import { unprintable } from "./unprintable.ts";

/** Longer than any answer with a token. */
const LONGEST_ANSWER = 64 * 1024;

/** Of its own: no proxy stands between this plugin and its node. */
const agent = unprintable(new Agent());

/** How a service of the node is asked. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** The answer must be there by then, whole. */
  readonly timeoutMs: number;
}

/** What a service of the node says; the body is empty if it is longer than any answer with a token. */
export interface NodeAnswer extends Postponement {
  readonly status: number;
  readonly body: string;
}

/** Why there is no answer, or only half of one. */
export interface NodeFault {
  readonly fault: "late" | "unreachable" | "broken" | "garbled";
  readonly cause: unknown;
}

/** Asks a service of this node by GET, once, over a connection of its own; follows no redirect. Never rejects. */
export async function askNode(url: string, { headers, timeoutMs }: NodeRequest): Promise<NodeAnswer | NodeFault> {
  const signal = AbortSignal.timeout(timeoutMs);
  let response: IncomingMessage | undefined;
  try {
    const request = get(url, { headers, agent, signal });
    // Nobody else listens to it when time is up in the middle of an answer.
    request.on("error", () => undefined);
    [response] = (await once(request, "response", { signal })) as [IncomingMessage];
    const { "retry-after": retryAfter, date } = response.headers;
    return { status: response.statusCode ?? 0, body: await read(response), retryAfter, date };
  } catch (cause) {
    return { fault: signal.aborted ? "late" : faultOf(cause, response !== undefined), cause };
  }
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) return "";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function faultOf(cause: unknown, isAnswered: boolean): NodeFault["fault"] {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code.startsWith("HPE_")) return "garbled";
  return isAnswered || code === "ECONNRESET" || code === "EPIPE" ? "broken" : "unreachable";
}

/** The end of a sentence about the service. */
export const faultWords: Readonly<Record<NodeFault["fault"], string>> = {
  late: "does not answer",
  unreachable: "cannot be reached",
  broken: "broke the connection",
  garbled: "does not speak HTTP",
};

/** Seconds as services of the node write them: a number, or digits as text; NaN for everything else. */
export function secondsOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
}
