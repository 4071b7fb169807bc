import { once } from "node:events";
import type { Socket } from "node:net";
import type { HttpBindings } from "@hono/node-server";

/** What can be done to the connection of a request instead of answering it. Each gives what the handler then returns. */
export interface Connection {
  /** Breaks it before any byte of an answer. */
  reset(): Response;
  /** Sends status, headers and half of the body, and breaks it. */
  sendHalf(whole: Response): Promise<Response>;
  /** Says nothing until the client has left or the listener stops. */
  ignore(): Promise<Response>;
}

/** `tcp` is below TLS, where alone a connection can be reset; there is none once it has closed. */
export function createConnection({ incoming, outgoing }: HttpBindings, tcp: Socket | undefined): Connection {
  return {
    reset() {
      tcp?.resetAndDestroy();
      return sent("dropped");
    },
    async sendHalf(whole) {
      const body = Buffer.from(await whole.arrayBuffer());
      const headers = { ...Object.fromEntries(whole.headers), "content-length": body.length };
      outgoing.writeHead(whole.status, headers).write(body.subarray(0, body.length / 2), () => {
        // Not reset: the half would be lost on its way.
        outgoing.destroy();
      });
      return sent(`${whole.status} cut off`);
    },
    async ignore() {
      if (!incoming.socket.destroyed) await once(incoming.socket, "close");
      return sent("unanswered");
    },
  };
}

/** What became of a request: its status, or what was done to the connection instead. */
export function outcomeOf({ status, statusText, headers }: Response): string {
  return headers.has(alreadySent) ? statusText : String(status);
}

/** By this header the server knows that nothing is left to be sent. */
const alreadySent = "x-hono-already-sent";

function sent(outcome: string): Response {
  return new Response(null, { statusText: outcome, headers: { [alreadySent]: "true" } });
}
