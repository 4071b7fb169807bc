import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { SecretOutcome } from "../../../src/sync/sync.ts";
import { refreshFailed, rotated, secretEvent, type Occasion } from "../../../src/volume/pod-events.ts";
import { aVolume } from "../../fakes/volumes.ts";

const versions = (...pairs: readonly string[]) =>
  pairs.map((pair) => ({ id: pair.split("@")[0] ?? "", version: pair.split("@")[1] ?? "" }));

describe("a rotation names", () => {
  const beginning = "mounted content of SecretProviderClass vault was rotated: ";
  test.each([
    ["the object and its version", versions("secret/a@1"), versions("secret/a@2"), "secret/a is version 2"],
    [
      "only what changed, what is new and what is gone",
      versions("secret/a@1", "secret/b@1", "secret/c@1"),
      versions("secret/a@1", "secret/b@2", "key/d@1"),
      "secret/b is version 2, key/d is version 1, secret/c is gone",
    ],
    [
      "no version where none changed",
      versions("secret/a@1"),
      versions("secret/a@1"),
      "the same versions, in other files or encoded otherwise",
    ],
    [
      "all that is there where the old ones are not known",
      undefined,
      versions("secret/a@1", "secret/b@2"),
      "secret/a is version 1, secret/b is version 2",
    ],
    [
      "ten objects at most",
      [],
      versions(...Array.from({ length: 12 }, (_, index) => `secret/${index}@1`)),
      `${Array.from({ length: 10 }, (_, index) => `secret/${index} is version 1`).join(", ")}, 2 more`,
    ],
  ])("%s", (_name, before, after, told) => {
    expect(rotated(aVolume, before, after)).toEqual({
      type: "Normal",
      reason: "MountRotationComplete",
      message: `${beginning}${told}`,
    });
  });
});

describe("of a Secret", () => {
  const error = new DriverError("InvalidRequest", "not ours");
  test.each<[Occasion, SecretOutcome["outcome"], string | undefined]>([
    ["publish", "created", undefined],
    ["publish", "patched", undefined],
    ["publish", "failed", "FailedToCreateSecret: not ours"],
    ["publish", "refused", "FailedToCreateSecret: not ours"],
    ["rotation", "patched", "SecretRotationComplete: secret db follows the rotated content"],
    ["rotation", "created", "SecretRotationComplete: secret db was missing and is created"],
    ["rotation", "unchanged", undefined],
    ["rotation", "marked", undefined],
    ["rotation", "failed", "SecretRotationFailed: not ours"],
    ["repair", "created", "SecretRotationComplete: secret db was missing and is created"],
    ["repair", "patched", "SecretRotationComplete: secret db was altered and is restored"],
    ["repair", "unchanged", undefined],
    ["repair", "marked", undefined],
    ["repair", "refused", "FailedToCreateSecret: not ours"],
  ])("after a %s that is %s is told: %s", (occasion, outcome, told) => {
    const isFailure = outcome === "failed" || outcome === "refused";
    const event = secretEvent({ secretName: "db", outcome, ...(isFailure && { error }) }, occasion);
    expect(event && `${event.reason}: ${event.message}`).toBe(told);
  });
});

test("a message fits into an event, of which Kubernetes takes 1024 bytes, and is cut between characters", () => {
  const character = fc.constantFrom("x", "ü", "√", "\u{1f600}");
  fc.assert(
    fc.property(fc.string({ unit: character, minLength: 900, maxLength: 1_100 }), (name) => {
      const whole = `${name}; the mounted content stays as it is`;
      const { message } = refreshFailed(new DriverError("ProviderError", name));
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
      if (message === whole) return;
      expect(whole.startsWith(message.slice(0, -1))).toBe(true);
      expect(message.endsWith("…")).toBe(true);
      expect(Buffer.byteLength(message)).toBeGreaterThan(1024 - 4);
    }),
  );
});
