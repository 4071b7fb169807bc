import { status, type ServiceError } from "@grpc/grpc-js";
import { DriverError, type Reason } from "../../errors.ts";
import { shown } from "./foreign-text.ts";

/**
 * A provider's gRPC code → why we failed. What kubelet holds for not final stays so: it keeps the directory and asks again.
 */
const reasons: Readonly<Record<Exclude<status, status.OK>, Reason>> = {
  [status.CANCELLED]: "ProviderUnavailable",
  [status.UNKNOWN]: "ProviderError",
  [status.INVALID_ARGUMENT]: "ProviderError",
  [status.DEADLINE_EXCEEDED]: "DeadlineExceeded",
  [status.NOT_FOUND]: "ProviderError",
  [status.ALREADY_EXISTS]: "ProviderError",
  [status.PERMISSION_DENIED]: "PermissionDenied",
  [status.RESOURCE_EXHAUSTED]: "Throttled",
  [status.FAILED_PRECONDITION]: "ProviderError",
  [status.ABORTED]: "ProviderUnavailable",
  [status.OUT_OF_RANGE]: "ProviderError",
  [status.UNIMPLEMENTED]: "ProviderError",
  [status.INTERNAL]: "ProviderError",
  [status.UNAVAILABLE]: "ProviderUnavailable",
  [status.DATA_LOSS]: "ProviderError",
  [status.UNAUTHENTICATED]: "PermissionDenied",
};

const reasonsByNumber: Readonly<Record<number, Reason | undefined>> = reasons;
const codeNames: Readonly<Record<number, string | undefined>> = status;

/** Who is behind a socket: one that speaks gRPC, one that takes connections and says nothing of it, or nobody. */
export type Listener = "provider" | "silent" | "nobody";

/** What is known of a call that failed. */
export interface FailedCall {
  readonly name: string;
  readonly socketPath: string;
  readonly listener: Listener;
  readonly signal: AbortSignal;
  readonly deadline?: Date | undefined;
}

/** By so much another process's clock of the same deadline may be ahead of ours. */
const clockSlackMs = 200;

/** A call that failed → DriverError with the provider's own message. */
export function refusal(error: unknown, call: FailedCall): unknown {
  if (!isServiceError(error)) return error;
  if (isOver(error, call)) return late(error, call);
  if (isTooLarge(error)) return tooLarge(error, call);
  const message = `provider "${call.name}" failed: ${codeName(error)}: ${shown(error.details)}`;
  return new DriverError(reasonsByNumber[error.code] ?? "ProviderError", message, { cause: error });
}

/** gRPC's word for the code of a failed call; a provider may send numbers that have none, and what is no number. */
export function codeName(error: unknown): string {
  if (!isServiceError(error)) return "unknown";
  return Number.isNaN(error.code) ? "UNKNOWN" : (codeNames[error.code] ?? String(error.code));
}

/** Whether gRPC says that the call was not served and may be made again. */
export function isUnavailable(error: unknown): boolean {
  return isServiceError(error) && error.code === status.UNAVAILABLE;
}

/** At the deadline the provider may give up first, and ends the call by CANCELLED. Before it, the provider's own words count. */
function isOver({ code }: ServiceError, { signal, deadline }: FailedCall): boolean {
  if (signal.aborted) return true;
  if (code !== status.DEADLINE_EXCEEDED && code !== status.CANCELLED) return false;
  return deadline !== undefined && Date.now() > deadline.getTime() - clockSlackMs;
}

function late(cause: ServiceError, { name, socketPath, listener }: FailedCall): DriverError {
  const why = {
    provider: `provider "${name}" did not answer in time: look at its logs on this node`,
    silent: `who listens on ${socketPath} does not speak gRPC: provider "${name}" hangs, look at its logs on this node`,
    nobody: `nobody listens on ${socketPath}: is provider "${name}" running on this node?`,
  };
  return new DriverError("DeadlineExceeded", why[listener], { cause });
}

/** grpc-js's own words for the limit of this side, compressed answers included; a provider's are "grpc: received message larger …". */
const ownLimit = /^Received message (larger than max|that decompresses to a size larger than)/;

function isTooLarge({ code, details }: ServiceError): boolean {
  return code === status.RESOURCE_EXHAUSTED && ownLimit.test(details);
}

function tooLarge(cause: ServiceError, { name }: FailedCall): DriverError {
  const [, size, limit] = /(?:\((\d+) vs )?(\d+)\)?$/.exec(cause.details) ?? [];
  const figures = `${size === undefined ? "" : `${size} bytes, `}more than the limit of ${limit ?? "this side"}`;
  return new DriverError(
    "InvalidRequest",
    `the answer of provider "${name}" is ${figures}: name fewer objects in the SecretProviderClass, or raise ` +
      "--max-call-recv-msg-size",
    { cause },
  );
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
