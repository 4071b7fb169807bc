import { status } from "@grpc/grpc-js";
import { DriverError, verdicts } from "../errors.ts";

/** What the caller is told: a gRPC code and the user's sentence, nothing else. */
export interface WireStatus {
  readonly code: number;
  readonly details: string;
}

/** grpc-status-message travels as an HTTP/2 header; percent-encoded, a longer text would reset the stream. */
const LONGEST_DETAILS = 2000;

/** The one place where errors become gRPC statuses. What is not a DriverError is a defect and is not told in detail. */
export function toStatus(error: unknown, signal: AbortSignal): WireStatus {
  if (error instanceof DriverError) return { code: verdicts[error.reason].code, details: tellable(error.message) };
  if (signal.aborted) return { code: status.DEADLINE_EXCEEDED, details: "the caller's deadline ended" };
  return { code: status.INTERNAL, details: "internal error" };
}

/** The cut may halve a character, which cannot be encoded. */
function tellable(message: string): string {
  return message.length > LONGEST_DETAILS ? `${message.slice(0, LONGEST_DETAILS).toWellFormed()}…` : message;
}

/**
 * What the log is told of a failure beyond its status. Messages of foreign errors may quote what they read (a JSON
 * parser quotes its input), so only names, errno codes and stack frames are taken from them.
 */
export function causeOf(error: unknown): { readonly err: string; readonly stack?: string } {
  if (error instanceof DriverError) return { err: describeCauses(error.cause) };
  if (!(error instanceof Error)) return { err: typeof error };
  return { err: describeCauses(error), stack: framesOf(error).join(" < ") };
}

/** Only what stands behind the message: a line of the message may look like a frame. */
function framesOf({ stack = "", message }: Error): string[] {
  const at = stack.indexOf(message);
  if (at < 0) return [];
  const lines = stack.slice(at + message.length).split("\n");
  return lines.filter((line) => line.startsWith("    at ")).map((line) => line.trim());
}

function describeCauses(error: unknown): string {
  const names: string[] = [];
  for (let cause = error; cause instanceof Error && names.length < 5; cause = cause.cause) {
    const code = "code" in cause && typeof cause.code === "string" ? ` ${cause.code}` : "";
    names.push(`${cause.name}${code}`);
  }
  return names.join(" < ");
}
