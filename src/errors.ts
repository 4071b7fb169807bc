/** Why an operation failed. Choosing a reason chooses what kubelet does next: see the table below. */
export type Reason =
  | "InvalidRequest"
  | "SecretProviderClassNotFound"
  | "KubernetesUnavailable"
  | "ProviderNotFound"
  | "ProviderError"
  | "ProviderUnavailable"
  | "Throttled"
  | "PermissionDenied"
  | "MountFailed"
  | "FileWriteError"
  | "Busy"
  | "DeadlineExceeded";

/** How a reason is told: to kubelet, and to whoever reads metrics. */
export interface Verdict {
  /** gRPC status code (google.rpc.Code). */
  readonly code: number;
  /**
   * Whether kubelet takes the code as final: it then removes the mount directory before it tries again; otherwise it
   * keeps the directory as "uncertain". Kubelet holds CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED and
   * UNAVAILABLE for not final, everything else for final.
   */
  readonly final: boolean;
  /** The label `error_type`: the established driver's word, where it has one (csi-driver 7.1). */
  readonly errorType: string;
}

/** The one table of reasons; the compiler holds it complete. */
export const verdicts: Readonly<Record<Reason, Verdict>> = {
  InvalidRequest: { code: 3, final: true, errorType: "FailedToMount" },
  // Not NOT_FOUND: in NodePublishVolume that code means that the volume does not exist.
  SecretProviderClassNotFound: { code: 9, final: true, errorType: "SecretProviderClassNotFound" },
  KubernetesUnavailable: { code: 14, final: false, errorType: "KubernetesUnavailable" },
  ProviderNotFound: { code: 9, final: true, errorType: "FailedToLookupProviderGRPCClient" },
  ProviderError: { code: 13, final: true, errorType: "GRPCProviderError" },
  ProviderUnavailable: { code: 14, final: false, errorType: "GRPCProviderError" },
  // Not UNAVAILABLE, which the established driver retries by itself at once.
  Throttled: { code: 8, final: false, errorType: "GRPCProviderError" },
  PermissionDenied: { code: 7, final: true, errorType: "GRPCProviderError" },
  MountFailed: { code: 13, final: true, errorType: "FailedToMount" },
  FileWriteError: { code: 13, final: true, errorType: "FileWriteError" },
  Busy: { code: 10, final: false, errorType: "Busy" },
  DeadlineExceeded: { code: 4, final: false, errorType: "DeadlineExceeded" },
};

/** The label `reason` of a failure: finer than the established driver's words. */
export function reasonOf(error: unknown): Reason | "Unforeseen" {
  return error instanceof DriverError ? error.reason : "Unforeseen";
}

/** The label `error_type` of a failure; what nobody foresaw is what the established driver says by default. */
export function errorTypeOf(error: unknown): string {
  return error instanceof DriverError ? verdicts[error.reason].errorType : "FailedToMount";
}

/** What an operator's command could not do: its exit code, and what to do about it. */
export interface Remedy {
  readonly remedy: string;
  /** 1 failed, 2 the command line is wrong, 3 there is no such thing. */
  readonly exit?: 1 | 2 | 3;
  readonly cause?: unknown;
}

/**
 * How a command of an operator fails: a line for each thing that is wrong, and one line that says what to do. Like a
 * DriverError it holds no secret; what is told is never what a program or a server wrote in full.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly remedy: string;
  readonly exit: 1 | 2 | 3;

  constructor(problems: string | readonly string[], { remedy, exit = 1, cause }: Remedy) {
    super([problems].flat().map(inOneLine).join("\n"), { cause });
    this.remedy = inOneLine(remedy);
    this.exit = exit;
  }
}

/** A failure in one line for people; of what nobody foresaw nothing is told. */
export function messageOf(error: unknown): string {
  return error instanceof DriverError ? error.message : "internal error";
}

interface DriverErrorOptions extends ErrorOptions {
  readonly provider?: string | undefined;
}

/**
 * The only error that is thrown on purpose. The message is for the user: it says what and, where that is known, what to
 * do; it never holds a secret, a token or a response body. It is one line of well-formed text, whatever it is made of. The
 * cause is for whoever debugs and never leaves the process.
 */
export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly reason: Reason;
  /** Whose content was being fetched, if that was known by then. */
  readonly provider: string | undefined;

  constructor(reason: Reason, message: string, options: DriverErrorOptions = {}) {
    super(inOneLine(message), options);
    this.reason = reason;
    this.provider = options.provider;
  }
}

/** Names in messages are strangers' texts: what would break the line is written as JSON has it, a lone surrogate is replaced. */
function inOneLine(message: string): string {
  return message.toWellFormed().replace(/[\p{Cc}\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The same failure, told from further out: the message gets a beginning, reason and cause stay. */
export function inContext(beginning: string, error: unknown, provider?: string): unknown {
  if (!(error instanceof DriverError)) return error;
  const { reason, message, cause } = error;
  return new DriverError(reason, `${beginning}${message}`, { cause, provider: provider ?? error.provider });
}
