import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { socketPathOf } from "../../../src/grpc/endpoint.ts";

const longest = `/${"a".repeat(106)}`;

test.each([
  ["unix:///csi/csi.sock", "/csi/csi.sock"],
  ["unix://tmp/csi.sock", "/tmp/csi.sock"],
  ["UNIX:///csi/csi.sock", "/csi/csi.sock"],
  [`unix://${longest}`, longest],
])("%s is the socket %s", (endpoint, path) => {
  expect(socketPathOf(endpoint)).toBe(path);
});

test.each(["", "/csi/csi.sock", "unix:/csi/csi.sock", "unix://", "tcp://127.0.0.1:1"])("%j is refused", (endpoint) => {
  expect(() => socketPathOf(endpoint)).toThrow(
    new DriverError("InvalidRequest", `invalid endpoint: ${endpoint}. Write it as unix:///path/to/csi.sock`),
  );
});

test("a path that no socket can have is refused, counted in bytes", () => {
  const endpoint = `unix:///${"é".repeat(54)}`;
  expect(() => socketPathOf(endpoint)).toThrow(
    `invalid endpoint: ${endpoint}. The socket path is longer than the 107 bytes that Linux takes`,
  );
});
