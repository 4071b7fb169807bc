import { DriverError } from "../errors.ts";

/** Longest path that fits sun_path of a unix socket address on Linux, without the final NUL (unix(7)). */
export const LONGEST_SOCKET_PATH = 107;

/**
 * `unix://PATH` → absolute socket path. As with the established driver one `/` is put before the rest, so
 * `unix://tmp/csi.sock` and `unix:///tmp/csi.sock` are the same file.
 */
export function socketPathOf(endpoint: string): string {
  const rest = /^unix:\/\/(.+)$/i.exec(endpoint)?.[1];
  if (rest === undefined)
    throw new DriverError("InvalidRequest", `invalid endpoint: ${endpoint}. Write it as unix:///path/to/csi.sock`);
  const path = `/${rest.replace(/^\/+/, "")}`;
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
    throw new DriverError(
      "InvalidRequest",
      `invalid endpoint: ${endpoint}. The socket path is longer than the ${LONGEST_SOCKET_PATH} bytes that Linux takes`,
    );
  return path;
}
