import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import type { ClientRequest } from "node:http";
import type { ClusterAccess } from "./access.ts";

/** How long the API server may take for one request. */
const REQUEST_LIMIT_MS = 10_000;

export interface ApiRequest {
  readonly method: "GET" | "PATCH" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: { readonly contentType: string; readonly content: unknown };
}

export interface ApiAnswer {
  readonly status: number;
  /** The body, parsed; undefined when it is not JSON. */
  readonly body: unknown;
}

/** The Kubernetes API, as little of it as a node needs. Network errors are thrown as they are. */
export interface KubernetesApi {
  call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer>;
}

export function createKubernetesApi(access: ClusterAccess, userAgent: string): KubernetesApi {
  return {
    call: async (request, signal) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_LIMIT_MS)]);
      const { headers, ...connection } = await access.authorize();
      const body = request.body && JSON.stringify(request.body.content);
      const options: RequestOptions = {
        ...connection,
        method: request.method,
        signal: limited,
        headers: {
          ...(headers as Record<string, string>),
          accept: "application/json",
          "user-agent": userAgent,
          ...(request.body && { "content-type": request.body.contentType }),
          // Node says by itself how long a body is, but not that of a DELETE: it would be taken for the next request.
          ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
        },
      };
      const url = new URL(`${access.server.href.replace(/\/$/, "")}${request.path}`);
      return sendOnce(url, options, body).catch((error: unknown) => {
        // A kept connection that the server closed just now: every request here may be sent again (a second create finds the first).
        if (error instanceof StaleConnection) return sendOnce(url, options, body);
        throw error;
      });
    },
  };
}

class StaleConnection extends Error {
  override readonly name = "StaleConnection";
}

function sendOnce(url: URL, options: RequestOptions, body: string | undefined): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = httpsRequest(url, options, (response) => {
      text(response).then((content) => {
        resolve({ status: response.statusCode ?? 0, body: parseJson(content) });
      }, reject);
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      reject(sent.reusedSocket && error.code === "ECONNRESET" ? new StaleConnection("", { cause: error }) : error);
    });
    sent.end(body);
  });
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
