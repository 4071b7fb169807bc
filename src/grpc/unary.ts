import { status, type handleUnaryCall, type ServerUnaryCall } from "@grpc/grpc-js";
import type { LogFields, Logger } from "../log.ts";
import type { Call, CallMetrics } from "../ports.ts";
import { causeOf, toStatus } from "./status.ts";

/** A call as its handler sees it. */
export interface NotedCall extends Call {
  /** What the log says beside the failure, if it comes to that: whose it is. */
  note(fields: LogFields): void;
}

/** A handler is an async function of the request; the signal fires when the caller's deadline ends or the caller leaves. */
export type Handler<Request, Response> = (request: Request, call: NotedCall) => Promise<Response>;

const unheard: CallMetrics = { served: () => undefined };

/** Turns a handler into a gRPC method: leaving → AbortSignal, error → status, one log line a call. */
export function unary<Request, Response>(
  handler: Handler<Request, Response>,
  log: Logger,
  metrics: CallMetrics = unheard,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const aborted = new AbortController();
    const leave = (): void => {
      aborted.abort();
    };
    call.on("cancelled", leave);
    const startedAt = performance.now();
    const tell = (code: number, error?: unknown): void => {
      // The library calls it cancelled, too, when a client closes its connection after the answer.
      call.off("cancelled", leave);
      const durationMs = performance.now() - startedAt;
      const method = methodOf(call);
      log.info("gRPC call", { method, durationMs: Math.round(durationMs), code: nameOf(code) }, 5);
      metrics.served({ method, code, durationMs, error });
    };
    let noted: LogFields = {};
    const note = (fields: LogFields): void => {
      noted = fields;
    };
    handler(call.request, { signal: aborted.signal, deadline: deadlineOf(call), note }).then(
      (response) => {
        tell(status.OK);
        callback(null, response);
      },
      (error: unknown) => {
        const answer = toStatus(error, aborted.signal);
        const about = { method: methodOf(call), code: nameOf(answer.code), ...noted };
        log.error(answer.details, { ...about, ...reasonFields(error) });
        tell(answer.code, error);
        callback(answer);
      },
    );
  };
}

/** Undefined when the caller waits for ever. */
function deadlineOf(call: Pick<ServerUnaryCall<unknown, unknown>, "getDeadline">): Date | undefined {
  const deadline = call.getDeadline();
  return deadline === Infinity ? undefined : new Date(deadline);
}

function reasonFields(error: unknown): { err?: string; stack?: string } {
  const { err, stack } = causeOf(error);
  return { ...(err && { err }), ...(stack && { stack }) };
}

type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, "getPath">;

function methodOf(call: AnyCall): string {
  return call.getPath();
}

function nameOf(code: number): string {
  return status[code] ?? String(code);
}
