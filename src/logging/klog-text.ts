/** A log record as the JSON logger writes it. */
export type LogRecord = Readonly<Record<string, string | number | boolean>>;

const severities: Readonly<Record<string, string>> = { info: "I", warn: "W", error: "E" };

/**
 * One line in klog's text form, which dashboards and troubleshooting guides filter by its header:
 * `E1029 17:37:42.461313       1 server.go:54] "msg" key="value"`. Strings are quoted, so nothing that a stranger named
 * can begin a line of its own.
 */
export function toKlogText(record: LogRecord, pid: number): string {
  const { level = "info", ts = 0, msg = "", ...fields } = record;
  const header = `${severities[String(level)] ?? "I"}${stamp(new Date(Number(ts)))} ${String(pid).padStart(7)} csi]`;
  // The verbosity of a line is a key of the JSON form only.
  const shown = Object.entries(fields).filter(([key]) => key !== "v");
  const pairs = shown.map(([key, value]) => `${key}=${quote(value)}`);
  return `${[header, quote(msg), ...pairs].join(" ")}\n`;
}

function quote(value: string | number | boolean): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** klog's `mmdd hh:mm:ss.uuuuuu`, local time. */
function stamp(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const micros = `${String(at.getMilliseconds()).padStart(3, "0")}000`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${micros}`;
  return `${two(at.getMonth() + 1)}${two(at.getDate())} ${time}`;
}
