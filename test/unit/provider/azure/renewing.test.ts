import type { AccessToken } from "@azure/identity";
import { describe, expect, test } from "vitest";
import { DriverError, type Reason } from "../../../../src/errors.ts";
import { createRenewing } from "../../../../src/provider/azure/renewing.ts";

const minute = 60_000;

interface Desk {
  readonly ask: () => Promise<string>;
  readonly fetches: () => number;
  pass(ms: number): void;
  /** Somebody sets the time of day. */
  jump(ms: number): void;
  /** From now on every fetch fails so; undefined ends it. */
  fail(reason: Reason | undefined): void;
}

function open(validMs = 60 * minute): Desk {
  let [now, fetches, jumpedMs] = [0, 0, 0];
  let failure: DriverError | undefined;
  const fetch = (): Promise<AccessToken> => {
    fetches += 1;
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve({ token: `token ${fetches}`, expiresOnTimestamp: now + validMs });
  };
  const token = createRenewing(fetch, { clock: () => new Date(now + jumpedMs), elapsed: () => now });
  return {
    ask: async () => (await token()).token,
    fetches: () => fetches,
    pass: (ms) => {
      now += ms;
    },
    jump: (ms) => {
      jumpedMs += ms;
    },
    fail: (reason) => {
      failure = reason === undefined ? undefined : new DriverError(reason, "no token");
    },
  };
}

describe("a token that is kept", () => {
  test.each([
    // valid for, asked again after, tokens in all
    [60, 0, 1],
    [60, 54, 1],
    [60, 55, 2],
    [60, 70, 2],
    [6, 0, 1],
    [5, 0, 2],
    [-60, 0, 2],
  ])("valid for %i minutes and wanted again after %i: %i were needed", async (valid, after, count) => {
    const { ask, pass, fetches } = open(valid * minute);
    await ask();
    pass(after * minute);
    await ask();
    expect(fetches()).toBe(count);
  });
  test("many who ask at once cost one", async () => {
    const { ask, fetches } = open();
    expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set(["token 1"]));
    expect(fetches()).toBe(1);
  });
});

describe("a token service that does not give one", () => {
  test.each<Reason>(["ProviderUnavailable", "Throttled"])(
    "for %s is nobody's business while the old token is good, and is asked again every 30 s",
    async (reason) => {
      const { ask, pass, fail, fetches } = open();
      await ask();
      fail(reason);
      pass(56 * minute);
      expect(await ask()).toBe("token 1");
      expect(await ask()).toBe("token 1");
      expect(fetches()).toBe(2);
      pass(30_000);
      expect(await ask()).toBe("token 1");
      expect(fetches()).toBe(3);
      pass(4 * minute);
      await expect(ask()).rejects.toMatchObject({ reason });
    },
  );
  test("is asked anew by everybody who has none: an outage is over when it is over", async () => {
    const { ask, fail } = open();
    fail("ProviderUnavailable");
    await expect(ask()).rejects.toMatchObject({ reason: "ProviderUnavailable" });
    fail(undefined);
    expect(await ask()).toBe("token 2");
  });
  test.each([0, 20, -20])(
    "since it limits sign-ins is left alone for 10 s, also where somebody sets the time of day by %i minutes",
    async (minutes) => {
      const { ask, fail, pass, jump, fetches } = open();
      fail("Throttled");
      for (let attempt = 0; attempt < 3; attempt++) {
        await expect(ask()).rejects.toMatchObject({ reason: "Throttled" });
        if (attempt === 0) jump(minutes * minute);
      }
      expect(fetches()).toBe(1);
      fail(undefined);
      pass(10_000);
      expect(await ask()).toBe("token 2");
    },
  );
  test("but refuses is told at once, though the old token is good", async () => {
    const { ask, fail, pass } = open();
    await ask();
    fail("PermissionDenied");
    pass(56 * minute);
    await expect(ask()).rejects.toMatchObject({ reason: "PermissionDenied" });
  });
});
