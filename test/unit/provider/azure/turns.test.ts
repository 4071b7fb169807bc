import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTurns, type Priority, type Waiting } from "../../../../src/provider/azure/turns.ts";

interface Queue {
  /** Adds requests written as `<identity><number>`. */
  readonly add: (priority: Priority, ...names: string[]) => void;
  /** Whether it waited. */
  readonly remove: (name: string) => boolean;
  /** As its place is changed: out and in again, if it waits. */
  readonly raise: (name: string) => void;
  /** The names of the next ones, as far as there are any. */
  readonly next: (count: number) => string[];
}

function createQueue(mayStart: (priority: Priority) => boolean = () => true): Queue {
  const turns = createTurns();
  const waiting = new Map<string, Waiting>();
  const started: string[] = [];
  function requestOf(name: string): Waiting {
    const found = waiting.get(name) ?? { identity: name.slice(0, 1), start: () => void started.push(name) };
    waiting.set(name, found);
    return found;
  }
  return {
    add: (priority, ...names) => {
      for (const name of names) turns.add(priority, requestOf(name));
    },
    remove: (name) => turns.remove(requestOf(name)),
    raise: (name) => {
      if (turns.remove(requestOf(name))) turns.add("mount", requestOf(name));
    },
    next: (count) => {
      started.length = 0;
      for (let left = count; left > 0; left -= 1) turns.next(mayStart)?.start();
      return [...started];
    },
  };
}

describe("whose turn it is", () => {
  test("mounts go before rotation, each in the order of asking", () => {
    const { add, next } = createQueue();
    add("rotation", "a1", "a2");
    add("mount", "a3", "a4");
    expect(next(5)).toEqual(["a3", "a4", "a1", "a2"]);
  });
  test.each(["mount", "rotation"] as const)(
    "an identity with many of %s does not keep the others waiting",
    (priority) => {
      const { add, next } = createQueue();
      add(priority, "a1", "a2", "a3", "b1", "b2", "c1");
      expect(next(6)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
    },
  );
  test("who comes later waits for at most one of each of the others", () => {
    const { add, next } = createQueue();
    add("mount", "a1", "a2", "a3", "b1", "b2");
    expect(next(1)).toEqual(["a1"]);
    add("mount", "c1");
    expect(next(4)).toEqual(["b1", "a2", "c1", "b2"]);
  });
  test("an identity that comes back after its last one does not go ahead", () => {
    const { add, next } = createQueue();
    add("mount", "a1", "b1", "b2");
    expect(next(1)).toEqual(["a1"]);
    add("mount", "a2");
    expect(next(3)).toEqual(["b1", "a2", "b2"]);
  });
});

describe("what may start", () => {
  test.each([
    [true, true, ["a1", "b1", "b2"]],
    [false, true, ["b1", "b2"]],
    [true, false, ["a1"]],
    [false, false, []],
  ])("mounts %s, rotation %s: %j, and the others wait on", (mount, rotation, names) => {
    let allOpen = false;
    const { add, next } = createQueue((priority) => allOpen || (priority === "mount" ? mount : rotation));
    add("mount", "a1");
    add("rotation", "b1", "b2");
    expect(next(4)).toEqual(names);
    allOpen = true;
    expect(next(4)).toEqual(["a1", "b1", "b2"].filter((name) => !names.includes(name)));
  });
  test("it is asked only about those that somebody waits for", () => {
    const asked: Priority[] = [];
    const { add, next } = createQueue((priority) => asked.push(priority) > 0);
    next(1);
    add("rotation", "a1");
    next(1);
    expect(asked).toEqual(["rotation"]);
  });
});

describe("what waits can change", () => {
  test("one that becomes a mount leaves rotation behind and waits at the end of the mounts", () => {
    const { add, raise, next } = createQueue();
    add("rotation", "a1", "b1", "c1");
    add("mount", "d1");
    raise("b1");
    expect(next(5)).toEqual(["d1", "b1", "a1", "c1"]);
  });
  test("one that leaves is gone, with its identity's turn", () => {
    const { add, remove, next } = createQueue();
    add("mount", "a1", "b1", "b2");
    expect([remove("a1"), remove("b2")]).toEqual([true, true]);
    expect(next(3)).toEqual(["b1"]);
  });
  test("whoever does not wait, or does not any more, cannot be taken out", () => {
    const { add, remove, next } = createQueue();
    add("rotation", "a1", "a2");
    expect(next(1)).toEqual(["a1"]);
    expect([remove("b1"), remove("a1"), remove("a2"), remove("a2")]).toEqual([false, false, true, false]);
    expect(next(1)).toEqual([]);
  });
});

interface Guest {
  readonly name: string;
  priority: Priority;
}

/** Who waits, in the order in which they came; and who was served since when for each identity that waits. */
function createReferee(): {
  readonly waiting: Guest[];
  arrive(guest: Guest): void;
  leave(name: string): void;
  serve(name: string | undefined, open: readonly Priority[]): void;
} {
  const waiting: Guest[] = [];
  /** By lane and identity: whom it has seen served while it waited. */
  const seen = new Map<string, Set<string>>();
  const laneOf = ({ name, priority }: Guest): string => `${priority} ${name.slice(0, 1)}`;

  function leave(name: string): void {
    const index = waiting.findIndex((one) => one.name === name);
    const [left] = waiting.splice(index, 1);
    if (left !== undefined && !waiting.some((one) => laneOf(one) === laneOf(left))) seen.delete(laneOf(left));
  }

  return {
    waiting,
    arrive: (one) => {
      waiting.push(one);
      if (!seen.has(laneOf(one))) seen.set(laneOf(one), new Set());
    },
    leave,
    serve: (name, open) => {
      const priority = open.find((lane) => waiting.some((one) => one.priority === lane));
      const lane = waiting.filter((one) => one.priority === priority);
      if (name === undefined) {
        expect(lane).toEqual([]);
        return;
      }
      const identity = name.slice(0, 1);
      expect(lane.find((one) => one.name.startsWith(identity))?.name).toBe(name);
      for (const [key, others] of seen) {
        if (key === `${priority ?? ""} ${identity}` || !key.startsWith(priority ?? "none")) continue;
        expect([...others]).not.toContain(identity);
        others.add(identity);
      }
      leave(name);
      const own = seen.get(`${priority ?? ""} ${identity}`);
      own?.clear();
    },
  };
}

test("in whatever order they come and go: nobody is served twice while another of the same priority waits", () => {
  const nth = fc.nat(30);
  const priority = fc.constantFrom("mount" as const, "rotation" as const);
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ does: fc.constant("come" as const), identity: fc.constantFrom("a", "b", "c"), priority }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ does: fc.constant("start" as const), mounts: fc.boolean(), rotation: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constantFrom("leave" as const, "rise" as const), nth }) },
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (story) => {
    let open: Priority[] = ["mount", "rotation"];
    const { add, remove, raise, next } = createQueue((lane) => open.includes(lane));
    const referee = createReferee();
    story.forEach((happens, index) => {
      if (happens.does === "come") {
        const name = `${happens.identity}${index}`;
        add(happens.priority, name);
        referee.arrive({ name, priority: happens.priority });
      } else if (happens.does === "start") {
        open = (["mount", "rotation"] as const).filter((lane) =>
          lane === "mount" ? happens.mounts : happens.rotation,
        );
        referee.serve(next(1)[0], open);
      } else {
        const one = referee.waiting[happens.nth % Math.max(referee.waiting.length, 1)];
        if (one === undefined) return;
        referee.leave(one.name);
        if (happens.does === "leave") remove(one.name);
        else {
          raise(one.name);
          referee.arrive({ name: one.name, priority: "mount" });
        }
      }
    });
    open = ["mount", "rotation"];
    expect(next(100).toSorted()).toEqual(referee.waiting.map(({ name }) => name).toSorted());
  });
  fc.assert(property, { numRuns: 500 });
});
