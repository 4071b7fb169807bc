import { expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { errnoName, failure, unless } from "../../../src/files/failure.ts";

const noSpace = Object.assign(new Error("ENOSPC: write"), { code: "ENOSPC", errno: -28, syscall: "write" });

test("a failed call is told with deed, place and errno, and kept as the cause", () => {
  const error = failure("write", '"d/x"', noSpace);
  expect(error).toBeInstanceOf(DriverError);
  expect(error).toMatchObject({ reason: "FileWriteError", cause: noSpace });
  expect(String(error)).toBe('DriverError: failed to write "d/x": ENOSPC (no space left on device)');
});

test("what is not a failed call is passed on as it is", () => {
  const bug = new TypeError("bug");
  expect(failure("write", "x", bug)).toBe(bug);
  expect(errnoName(bug)).toBeUndefined();
});

test("the errno can be asked of either form", () => {
  expect(errnoName(noSpace)).toBe("ENOSPC");
  expect(errnoName(failure("write", "x", noSpace))).toBe("ENOSPC");
});

test("only the named errnos are let pass", () => {
  const fail = (): number => {
    throw noSpace;
  };
  expect(unless(["ENOSPC"], fail)).toBeUndefined();
  expect(() => unless(["ENOENT"], fail)).toThrow(noSpace);
  expect(unless(["ENOENT"], () => 7)).toBe(7);
});
