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

/** How a reason is told to kubelet. */
export interface Verdict {
  /** gRPC status code (google.rpc.Code). */
  readonly code: number;
  /**
   * Whether kubelet takes the code as final: it then removes the mount directory before it tries again; otherwise it
   * keeps the directory as "uncertain". Kubelet holds CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED and
   * UNAVAILABLE for not final, everything else for final.
   */
  readonly final: boolean;
}

/** The one table of reasons; the compiler holds it complete. */
export const verdicts: Readonly<Record<Reason, Verdict>> = {
  InvalidRequest: { code: 3, final: true },
  // Not NOT_FOUND: in NodePublishVolume that code means that the volume does not exist.
  SecretProviderClassNotFound: { code: 9, final: true },
  KubernetesUnavailable: { code: 14, final: false },
  ProviderNotFound: { code: 9, final: true },
  ProviderError: { code: 13, final: true },
  ProviderUnavailable: { code: 14, final: false },
  // Not UNAVAILABLE, which the established driver retries by itself at once.
  Throttled: { code: 8, final: false },
  PermissionDenied: { code: 7, final: true },
  MountFailed: { code: 13, final: true },
  FileWriteError: { code: 13, final: true },
  Busy: { code: 10, final: false },
  DeadlineExceeded: { code: 4, final: false },
};

/**
 * The only error that is thrown on purpose. The message is for the user: it says what and, where that is known, what to
 * do; it never holds a secret, a token or a response body. The cause is for whoever debugs and never leaves the process.
 */
export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The same failure, told from further out: the message gets a beginning, reason and cause stay. */
export function inContext(beginning: string, error: unknown): unknown {
  if (!(error instanceof DriverError)) return error;
  return new DriverError(error.reason, `${beginning}${error.message}`, { cause: error.cause });
}
