import fc from "fast-check";
import { expect, test } from "vitest";
import { DriverError, errorTypeOf, inContext, messageOf, reasonOf, verdicts } from "../../src/errors.ts";

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

test("context says whose content was fetched, and a context further out leaves that", () => {
  const inner = inContext("inner: ", new DriverError("Throttled", "later"), "azure");
  expect(inContext("outer: ", inner)).toEqual(
    new DriverError("Throttled", "outer: inner: later", { provider: "azure" }),
  );
});

/** csi-driver 7.1: the words that dashboards know; the others are ours. */
const established = ["FailedToMount", "SecretProviderClassNotFound", "GRPCProviderError", "FileWriteError"];
const own = ["FailedToLookupProviderGRPCClient", "KubernetesUnavailable", "Busy", "DeadlineExceeded"];

test.each(Object.values(verdicts))("error_type $errorType is a word of the table", ({ errorType }) => {
  expect([...established, ...own]).toContain(errorType);
});

test("what nobody foresaw has an error_type and a reason, and its message is not told", () => {
  const unforeseen = new Error("hunter2");
  expect([errorTypeOf(unforeseen), reasonOf(unforeseen), messageOf(unforeseen)]).toEqual([
    "FailedToMount",
    "Unforeseen",
    "internal error",
  ]);
  const known = new DriverError("Busy", "wait");
  expect([errorTypeOf(known), reasonOf(known), messageOf(known)]).toEqual(["Busy", "Busy", "wait"]);
});

test("a message is one line of well-formed text, whatever names are in it, and told again it stays the same", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.constantFrom("\n", "\r\u2028", "\0\u0085", "\ud800"),
      (name, sign) => {
        const error = new DriverError("InvalidRequest", `${name}${sign}${name}`);
        expect(error.message.isWellFormed()).toBe(true);
        expect(error.message).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(inContext("", error)).toMatchObject({ message: error.message });
      },
    ),
  );
});

test("what would break the line can still be read", () => {
  expect(new DriverError("Busy", "a\nb\u2028\t√\u{1f600}").message).toBe("a\\u000ab\\u2028\\u0009√\u{1f600}");
});
