import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { causeOf, toStatus } from "../../../src/grpc/status.ts";
import { noSignal } from "../../fakes/volumes.ts";

describe("the caller is told", () => {
  test("of a failure that we know, its code and our sentence", () => {
    const error = new DriverError("Throttled", "later", { cause: new Error("hunter2") });
    expect(toStatus(error, AbortSignal.abort())).toEqual({ code: 8, details: "later" });
  });

  test.each([0, 1])("nothing that a header cannot carry: very long names are cut, not within a character", (before) => {
    const name = `${"x".repeat(before)}${"\u{1f600}".repeat(50_000)}`;
    const { details } = toStatus(new DriverError("InvalidRequest", name), noSignal);
    expect(details.isWellFormed()).toBe(true);
    expect(encodeURI(details).length).toBeLessThan(20_000);
  });

  test("of any other failure after the deadline, that the deadline ended", () => {
    expect(toStatus(new Error("hunter2"), AbortSignal.abort())).toEqual({
      code: 4,
      details: "the caller's deadline ended",
    });
  });

  test.each([[new Error("hunter2")], ["hunter2"], [undefined]])("of a defect, nothing", (error) => {
    expect(toStatus(error, noSignal)).toEqual({ code: 13, details: "internal error" });
  });
});

describe("the log is told", () => {
  test("names and errno codes of what caused a known failure", () => {
    const reset = Object.assign(new TypeError("hunter2"), { code: "ECONNRESET" });
    const cause = new Error("hunter2", { cause: reset });
    expect(causeOf(new DriverError("ProviderUnavailable", "m", { cause }))).toEqual({
      err: "Error < TypeError ECONNRESET",
    });
    expect(causeOf(new DriverError("Throttled", "m"))).toEqual({ err: "" });
  });

  test("no more than five causes, so a circle ends", () => {
    const error = new Error("a");
    error.cause = error;
    expect(causeOf(error).err).toBe(Array(5).fill("Error").join(" < "));
  });

  test("where a defect arose, and no line of its message, not even one that looks like a frame", () => {
    const { err, stack } = causeOf(new RangeError("hunter2\n    at hunter2 (file.ts:1:1)"));
    expect(err).toBe("RangeError");
    expect(stack).toContain("status.test.ts");
    expect(stack).not.toContain("hunter2");
  });

  test("no frames where they cannot be told from a message that was changed", () => {
    const error = new Error("hunter2\n    at hunter2 (file.ts:1:1)");
    expect(error.stack).toContain("hunter2");
    error.message = "other";
    expect(causeOf(error).stack).toBe("");
  });

  test("where a defect without a message arose", () => {
    expect(causeOf(new Error("")).stack).toContain("status.test.ts");
  });

  test("of an error without a stack its name, of a thrown value its type", () => {
    const error = new Error("m");
    delete error.stack;
    expect(causeOf(error)).toEqual({ err: "Error", stack: "" });
    expect(causeOf("hunter2")).toEqual({ err: "string" });
  });
});
