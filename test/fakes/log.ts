import type { LogFields, Logger } from "../../src/log.ts";

/** A log that keeps its lines, as `LEVEL message` with fields in JSON. */
export interface FakeLog extends Logger {
  readonly lines: string[];
}

export function createFakeLog(): FakeLog {
  const lines: string[] = [];
  const keep = (level: string, message: string, fields: LogFields = {}): void => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  return {
    lines,
    info: (message, fields) => {
      keep("INFO", message, fields);
    },
    warn: (message, fields) => {
      keep("WARN", message, fields);
    },
    error: (message, fields) => {
      keep("ERROR", message, fields);
    },
  };
}
