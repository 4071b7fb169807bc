import { multistream, pino, type StreamEntry } from "pino";
import type { LogFields, Logger } from "../log.ts";
import { toKlogText, type LogRecord } from "./klog-text.ts";

export interface LogOptions {
  /** klog's `-v`: higher shows more. */
  readonly verbosity: number;
  /** One JSON object a line (`ts`, `v`, `msg`, `err`) in place of klog text. */
  readonly json: boolean;
  readonly stdout: LineSink;
  readonly stderr: LineSink;
}

export interface LineSink {
  write(line: string): unknown;
}

/** Text goes to stderr; JSON goes to stdout, errors to stderr, as with the established driver. */
export function createLogger(options: LogOptions): Logger {
  const sink = pino(
    {
      base: null,
      timestamp: () => `,"ts":${Date.now()}`,
      formatters: { level: (level) => ({ level }) },
    },
    multistream(options.json ? jsonStreams(options) : textStreams(options), { dedupe: true }),
  );
  return {
    info: (message, fields, level = 0) => {
      if (level <= options.verbosity) sink.info({ v: level, ...fields }, message);
    },
    warn: (message, fields: LogFields = {}) => {
      sink.warn(fields, message);
    },
    error: (message, fields: LogFields = {}) => {
      sink.error(fields, message);
    },
  };
}

function jsonStreams({ stdout, stderr }: LogOptions): StreamEntry[] {
  return [
    { level: "info", stream: { write: (line) => void stdout.write(line) } },
    { level: "error", stream: { write: (line) => void stderr.write(line) } },
  ];
}

function textStreams({ stderr }: LogOptions): StreamEntry[] {
  const write = (line: string): void => void stderr.write(toKlogText(JSON.parse(line) as LogRecord, process.pid));
  return [{ level: "info", stream: { write } }];
}
