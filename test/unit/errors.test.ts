import { expect, test } from "vitest";
import { DriverError, inContext, verdicts } from "../../src/errors.ts";

/** Kubelet (pkg/volume/csi, isFinalError): CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE. */
const notFinal = new Set([1, 4, 8, 10, 14]);

test.each(Object.entries(verdicts))("kubelet takes %s as the table says", (_reason, { code, final }) => {
  expect(final).toBe(!notFinal.has(code));
});

test("context goes before the message and changes neither reason nor cause", () => {
  const cause = new Error("cause");
  const told = inContext("for pod a/b: ", new DriverError("Throttled", "later", { cause }));
  expect(told).toEqual(new DriverError("Throttled", "for pod a/b: later", { cause }));
  expect(told).toMatchObject({ reason: "Throttled", cause, name: "DriverError" });
});

test.each([[new Error("foreign")], ["text"], [undefined]])("what is not ours gets no context", (error) => {
  expect(inContext("for pod a/b: ", error)).toBe(error);
});
