import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAssertions } from "../../../../src/provider/azure/assertions.ts";
import type { ServiceAccountToken } from "../../../../src/provider/azure/service-account-token.ts";

let now = 0;
const clock = (): Date => new Date(now);

function token(expiresAt: number, value = `until ${expiresAt}`): ServiceAccountToken {
  const account = { namespace: "shop", name: "web" };
  return { account, audience: "a", issuer: "", expiresAt: new Date(expiresAt), value };
}

describe("the tokens of one service account", () => {
  test("the best one is the unexpired one that lasts longest, whatever came before or after", () => {
    const time = fc.integer({ min: 0, max: 1_000 });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 30 }), time, (ends, at) => {
        now = 0;
        const assertions = createAssertions(clock);
        for (const end of ends) assertions.add(token(end));
        now = at;
        const longest = Math.max(...ends);
        if (longest > at) expect(assertions.best().expiresAt.getTime()).toBe(longest);
        else expect(() => assertions.best()).toThrow("have expired: kubelet hands over a new one");
      }),
    );
  });
  test("none is an expired one", () => {
    now = 0;
    expect(() => createAssertions(clock).best()).toThrow(expect.objectContaining({ reason: "InvalidRequest" }));
  });
  test("one that was refused is not offered again, the next one is", () => {
    now = 0;
    const assertions = createAssertions(clock);
    for (const end of [10, 30, 20]) assertions.add(token(end));
    expect(assertions.drop(token(30))).toBe(true);
    expect(assertions.best().expiresAt.getTime()).toBe(20);
    expect(assertions.drop(token(20))).toBe(true);
    expect(assertions.drop(token(10))).toBe(false);
    expect(assertions.best().expiresAt.getTime()).toBe(10);
  });
  test("one that its pod brings again is on record once, and counts again", () => {
    now = 0;
    const assertions = createAssertions(clock);
    for (const end of [10, 10, 10]) assertions.add(token(end));
    expect(assertions.drop(token(10))).toBe(false);
    assertions.add(token(20));
    expect(assertions.drop(token(20))).toBe(true);
    assertions.add(token(20));
    expect(assertions.best().value).toBe("until 20");
  });
  test("a hundred pods leave eight on record: those that last longest", () => {
    now = 0;
    const assertions = createAssertions(clock);
    for (let end = 1; end <= 100; end++) assertions.add(token(end));
    const offered: number[] = [];
    for (let left = true; left;) {
      const best = assertions.best();
      offered.push(best.expiresAt.getTime());
      left = assertions.drop(best);
    }
    expect(offered).toEqual([100, 99, 98, 97, 96, 95, 94, 93]);
  });
});
