import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { verdicts, type DriverError } from "../../../../src/errors.ts";
import { codeName, refusal, type FailedCall } from "../../../../src/provider/remote/refusal.ts";
import { noSignal } from "../../../fakes/volumes.ts";

const call: FailedCall = {
  name: "vault",
  socketPath: "/providers/vault.sock",
  listener: "provider",
  signal: noSignal,
  deadline: undefined,
};

function failed(code: number, details = "its words"): Error {
  return Object.assign(new Error(details), { code, details });
}

const refuse = (code: number, changes: Partial<FailedCall> = {}): DriverError =>
  refusal(failed(code), { ...call, ...changes }) as DriverError;

const unheardOf = 77;

describe("a code of gRPC", () => {
  const all = Object.values(status).filter((code): code is status => typeof code === "number" && code !== status.OK);
  /** What kubelet keeps the directory for (csi-driver 1.5). */
  const notFinal = [1, 4, 8, 10, 14];

  test.each(all.map((code) => [status[code], code] as const))("%s stays as final as it was", (_name, code) => {
    expect(verdicts[refuse(code).reason].final).toBe(!notFinal.includes(code));
  });

  test("that gRPC does not know is told by its number", () => {
    expect(refuse(unheardOf)).toMatchObject({
      reason: "ProviderError",
      message: 'provider "vault" failed: 77: its words',
    });
    expect(codeName(failed(unheardOf))).toBe("77");
  });

  test("that is no number is UNKNOWN", () => {
    expect(refuse(Number.NaN)).toMatchObject({
      reason: "ProviderError",
      message: 'provider "vault" failed: UNKNOWN: its words',
    });
  });
});

describe("the end of the time", () => {
  const past = new Date(Date.now() - 1);
  const future = new Date(Date.now() + 60_000);

  test.each<[string, number, Partial<FailedCall>, string]>([
    ["our own deadline", status.DEADLINE_EXCEEDED, { deadline: past }, "DeadlineExceeded"],
    ["a caller who left", status.CANCELLED, { signal: AbortSignal.abort() }, "DeadlineExceeded"],
    ["a provider that gave up first", status.CANCELLED, { deadline: past }, "DeadlineExceeded"],
    ["a provider that gave up early", status.CANCELLED, { deadline: future }, "ProviderUnavailable"],
    ["a refusal at the last moment", status.PERMISSION_DENIED, { deadline: past }, "PermissionDenied"],
  ])("by %s", (_name, code, changes, reason) => {
    expect(refuse(code, changes).reason).toBe(reason);
  });

  test.each<[string, Partial<FailedCall>, string]>([
    ["in time, by the provider", { deadline: future }, 'provider "vault" failed: DEADLINE_EXCEEDED: its words'],
    ["when it is over", { deadline: past }, 'provider "vault" did not answer in time: look at its logs on this node'],
    [
      "while it hangs",
      { deadline: past, listener: "silent" },
      "who listens on /providers/vault.sock does not speak gRPC",
    ],
    ["while it is gone", { deadline: past, listener: "nobody" }, "nobody listens on /providers/vault.sock"],
  ])("is told %s", (_name, changes, message) => {
    expect(refuse(status.DEADLINE_EXCEEDED, changes).message).toContain(message);
  });
});

describe("the limit of this side", () => {
  const limited = (details: string): DriverError =>
    refusal(failed(status.RESOURCE_EXHAUSTED, details), call) as DriverError;

  test.each([
    ["Received message larger than max (5 vs 4)", "5 bytes, more than the limit of 4"],
    ["Received message that decompresses to a size larger than 4", "more than the limit of 4"],
    ["Received message larger than max", "more than the limit of this side"],
  ])("%s", (details, figures) => {
    expect(limited(details)).toMatchObject({
      reason: "InvalidRequest",
      message: `the answer of provider "vault" is ${figures}: name fewer objects in the SecretProviderClass, or raise --max-call-recv-msg-size`,
    });
  });

  test("is not the provider's own", () => {
    expect(limited("grpc: received message larger than max (5 vs 4)")).toMatchObject({ reason: "Throttled" });
  });
});

test("what is no answer of gRPC is handed on", () => {
  const defect = new TypeError("a defect");
  expect(refusal(defect, call)).toBe(defect);
  expect(codeName(defect)).toBe("unknown");
});
