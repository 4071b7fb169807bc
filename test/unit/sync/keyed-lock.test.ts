import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { createKeyedLock } from "../../../src/sync/keyed-lock.ts";
import { noSignal } from "../../fakes/volumes.ts";

test("work under one key runs in the order of asking, never two at once", async () => {
  const lock = createKeyedLock();
  const events: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    events.push(`${name} in`);
    await Promise.resolve();
    events.push(`${name} out`);
    return name;
  };
  const results = ["a", "b", "c"].map((name) => lock.hold("key", noSignal, work(name)));
  expect(await Promise.all(results)).toEqual(["a", "b", "c"]);
  expect(events).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
});

test("work under another key does not wait", async () => {
  const lock = createKeyedLock();
  const gate = Promise.withResolvers<undefined>();
  const held = lock.hold("one", noSignal, () => gate.promise);
  expect(await lock.hold("two", noSignal, () => Promise.resolve("done"))).toBe("done");
  gate.resolve(undefined);
  await held;
});

test("work that fails lets the next one in", async () => {
  const lock = createKeyedLock();
  const failing = lock.hold("key", noSignal, () => Promise.reject(new Error("failed")));
  const next = lock.hold("key", noSignal, () => Promise.resolve("done"));
  await expect(failing).rejects.toThrow("failed");
  expect(await next).toBe("done");
});

describe("a failure that concerns all", () => {
  const outage = new Error("no answer");
  const concernsAll = (failure: unknown): boolean => failure === outage;
  const fail = (): Promise<never> => Promise.reject(outage);

  test("is that of those who wait, and of nobody who comes later", async () => {
    const lock = createKeyedLock();
    let tries = 0;
    const work = (): Promise<void> => {
      tries += 1;
      return fail();
    };
    const asked = [1, 2, 3].map(() => lock.hold("key", noSignal, work, concernsAll));
    for (const each of asked) await expect(each).rejects.toBe(outage);
    expect(tries).toBe(1);
    expect(await lock.hold("key", noSignal, () => Promise.resolve("done"), concernsAll)).toBe("done");
  });

  test("is that of those behind one who left meanwhile", async () => {
    const lock = createKeyedLock();
    const failing = lock.hold("key", noSignal, fail, concernsAll);
    const left = lock.hold("key", AbortSignal.abort(), () => Promise.resolve(), concernsAll);
    const last = lock.hold("key", noSignal, () => Promise.resolve(), concernsAll);
    await expect(failing).rejects.toBe(outage);
    await expect(left).rejects.toMatchObject({ reason: "Busy" });
    await expect(last).rejects.toBe(outage);
  });
});

test("who comes to a free key with a signal that has fired does not hear that somebody else is at work", async () => {
  expect(await createKeyedLock().hold("key", AbortSignal.abort(), () => Promise.resolve("done"))).toBe("done");
});

test("who cannot wait longer leaves with Busy, without having worked", async () => {
  const lock = createKeyedLock();
  const gate = Promise.withResolvers<undefined>();
  const held = lock.hold("key", noSignal, () => gate.promise);
  const leaver = new AbortController();
  let worked = false;
  const left = lock.hold("key", leaver.signal, () => {
    worked = true;
    return Promise.resolve();
  });
  leaver.abort();
  await expect(left).rejects.toEqual(
    new DriverError("Busy", "another operation on key is still at work; it will be tried again"),
  );
  gate.resolve(undefined);
  await held;
  expect(worked).toBe(false);
});

test("who left lets nobody in before those ahead are done", async () => {
  const lock = createKeyedLock();
  const gate = Promise.withResolvers<undefined>();
  let inside = true;
  const held = lock.hold("key", noSignal, async () => {
    await gate.promise;
    inside = false;
  });
  const left = lock.hold("key", AbortSignal.abort(), () => Promise.resolve());
  const last = lock.hold("key", noSignal, () => Promise.resolve(inside));
  await expect(left).rejects.toMatchObject({ reason: "Busy" });
  gate.resolve(undefined);
  await held;
  expect(await last).toBe(false);
});

test("whatever comes and goes, at most one is inside a key and who stays gets in, in order", async () => {
  const caller = fc.record({ key: fc.constantFrom("a", "b"), leaves: fc.boolean(), fails: fc.boolean() });
  const property = fc.asyncProperty(fc.array(caller, { maxLength: 12 }), fc.scheduler(), async (callers, scheduler) => {
    const lock = createKeyedLock();
    const inside = new Set<string>();
    const entered: number[] = [];
    const calls = callers.map(({ key, leaves, fails }, index) => {
      const leaver = new AbortController();
      const work = async (): Promise<void> => {
        expect(inside.has(key)).toBe(false);
        inside.add(key);
        entered.push(index);
        await scheduler.schedule(Promise.resolve(), `work ${index}`);
        inside.delete(key);
        if (fails) throw new Error("failed");
      };
      const call = lock.hold(key, leaver.signal, work);
      if (leaves) {
        void scheduler.schedule(Promise.resolve(), `leave ${index}`).then(() => {
          leaver.abort();
        });
      }
      return call;
    });
    const settled = Promise.allSettled(calls);
    await scheduler.waitFor(settled);
    const outcomes = await settled;
    callers.forEach(({ leaves, fails }, index) => {
      if (!leaves && !fails) expect(outcomes[index]?.status).toBe("fulfilled");
      if (!leaves) expect(entered).toContain(index);
    });
    for (const key of ["a", "b"]) {
      const ofKey = entered.filter((index) => callers[index]?.key === key);
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    }
  });
  await fc.assert(property, { numRuns: 200 });
});
