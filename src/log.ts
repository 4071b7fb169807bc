/** The names that a log line may carry beside its message; a value that has no name here is not logged. */
export type LogField =
  | "code"
  | "durationMs"
  | "endpoint"
  | "err"
  | "method"
  | "node"
  | "pod"
  | "reason"
  | "secretProviderClass"
  | "signal"
  | "stack"
  | "targetPath"
  | "version";

export type LogFields = Readonly<Partial<Record<LogField, string | number | boolean>>>;

/**
 * Log lines in klog's manner. Levels of `info`: 0 what an operator always wants, 5 each call.
 * Values of secrets, tokens and response bodies are never passed in.
 */
export interface Logger {
  info(message: string, fields?: LogFields, level?: number): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
