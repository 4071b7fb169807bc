import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlaces, type Places } from "../../../../src/provider/azure/places.ts";
import type { Gate } from "../../../../src/provider/azure/capacity.ts";
import type { Priority } from "../../../../src/provider/azure/turns.ts";
import { createFakeFlight, settle, type FakeFlight } from "../../../fakes/flight.ts";

/** A request that runs until the test ends it, or until a little after everybody left. */
interface Job {
  readonly name: string;
  readonly flight: FakeFlight;
  /** What it counts as while it runs. */
  ranAs: Priority | undefined;
  /** The epoch that it was told. */
  epoch: number | undefined;
  ended: boolean;
  done: Promise<unknown>;
  readonly end: () => void;
}

const namesOf = (jobs: readonly Job[]): string[] => jobs.map(({ name }) => name);

interface Hall {
  readonly places: Places;
  readonly jobs: Job[];
  readonly add: (priority: Priority, count?: number, identity?: string) => Job[];
  readonly running: (priority?: Priority) => Job[];
  /** Sets the gate. */
  readonly set: (gate: Gate) => void;
  /** Who started though he might not. */
  readonly intruders: readonly string[];
}

function createHall(): Hall {
  const places = createPlaces();
  const jobs: Job[] = [];
  const intruders: string[] = [];
  let gate: Gate = "open";
  const running: Hall["running"] = (priority) =>
    jobs.filter(({ ranAs, ended }) => ranAs !== undefined && !ended && (priority ?? ranAs) === ranAs);

  function mayStart({ epoch, ranAs }: Job): boolean {
    if (gate === "closed") return false;
    if (gate === "probing") return running().every((one) => one.epoch !== epoch);
    return running().length < 20 && (ranAs === "rotation" || running("mount").length < 18);
  }

  function addOne(priority: Priority, identity: string): Job {
    const flight = createFakeFlight(priority);
    const work = Promise.withResolvers<undefined>();
    const job: Job = {
      name: `${identity}${jobs.length}`,
      ...{ flight, ranAs: undefined, epoch: undefined, ended: false, done: work.promise },
      end: () => {
        job.ended = true;
        work.resolve(undefined);
      },
    };
    job.done = places.take(flight, identity, (epoch) => {
      const starting = { ...job, epoch, ranAs: flight.priority() };
      if (!mayStart(starting)) intruders.push(job.name);
      Object.assign(job, { epoch, ranAs: flight.priority() });
      return work.promise;
    });
    job.done.catch(() => undefined);
    jobs.push(job);
    return job;
  }
  return {
    places,
    jobs,
    add: (priority, count = 1, identity = "a") => Array.from({ length: count }, () => addOne(priority, identity)),
    running,
    set: (next) => {
      gate = next;
      places.set(next);
    },
    intruders,
  };
}

describe("how many run", () => {
  test.each([
    // mounts, rotations, mounts that run, rotations that run
    [25, 0, 18, 0],
    [0, 25, 0, 20],
    [25, 25, 18, 2],
    [5, 25, 5, 15],
    [18, 1, 18, 1],
  ])("of %i mounts and %i rotations run %i and %i", async (mounts, rotations, mountsRun, rotationsRun) => {
    const { add, running } = createHall();
    add("mount", mounts);
    add("rotation", rotations);
    await settle();
    expect([running("mount").length, running("rotation").length]).toEqual([mountsRun, rotationsRun]);
  });
  test("rotation that runs already leaves mounts what is left, and they take its places when it ends", async () => {
    const { add, running } = createHall();
    const rotation = add("rotation", 20);
    add("mount", 20);
    await settle();
    expect(running("mount")).toEqual([]);
    for (const { end } of rotation) end();
    await settle();
    expect(running("mount")).toHaveLength(18);
  });
  test("a mount's place goes to the next mount, also while rotation waits for one", async () => {
    const { add, running } = createHall();
    const [first] = add("mount", 19);
    add("rotation", 3);
    await settle();
    expect([running("mount").length, running("rotation").length]).toEqual([18, 2]);
    first?.end();
    await settle();
    expect([running("mount").length, running("rotation").length]).toEqual([18, 2]);
  });
  test("a failure is the caller's and frees the place", async () => {
    const { places, add, running } = createHall();
    await expect(places.take(createFakeFlight(), "a", () => Promise.reject(new Error("failed")))).rejects.toThrow(
      "failed",
    );
    add("mount", 18);
    await settle();
    expect(running()).toHaveLength(18);
  });
});

describe("who waits", () => {
  test("whose flight ends while he waits never runs, and leaves at once with the reason", async () => {
    const { add, running } = createHall();
    const busy = add("mount", 18);
    const [waiting, next] = add("mount", 2);
    waiting?.flight.abort();
    await expect(waiting?.done).rejects.toBe(waiting?.flight.signal.reason);
    for (const { end } of busy) end();
    await settle();
    expect(running()).toEqual([next]);
  });
  test("whose flight has ended already never runs", async () => {
    const { places } = createHall();
    const flight = createFakeFlight();
    flight.abort();
    const run = (): Promise<never> => Promise.reject(new Error("it ran"));
    await expect(places.take(flight, "a", run)).rejects.toBe(flight.signal.reason);
  });
  test("rotation that becomes a mount goes before the rest of rotation, and counts as a mount", async () => {
    const { add, running } = createHall();
    const busy = add("rotation", 20);
    const [first, raised] = add("rotation", 2);
    raised?.flight.raise();
    busy[0]?.end();
    await settle();
    expect([raised?.ranAs, first?.ranAs]).toEqual(["mount", undefined]);
    expect(running("mount")).toEqual([raised]);
  });
  test("what runs can be raised without harm", async () => {
    const { add, running } = createHall();
    const [job] = add("rotation");
    await settle();
    job?.flight.raise();
    expect(running("rotation")).toEqual([job]);
    add("mount", 20);
    await settle();
    expect(running("mount")).toHaveLength(18);
    job?.end();
    await settle();
    expect(running("mount")).toHaveLength(18);
  });
  test("identities take turns", async () => {
    const { add, running, jobs } = createHall();
    const busy = add("mount", 18);
    add("mount", 20, "b");
    add("mount", 2, "c");
    for (const { end } of busy.slice(0, 4)) end();
    await settle();
    expect(
      running()
        .filter((job) => jobs.indexOf(job) >= 18)
        .map(({ name }) => name[0]),
    ).toEqual(["b", "b", "c", "c"]);
  });
});

describe("who leaves while it runs", () => {
  test("his place is free when the request has really ended, so that never more run than may", async () => {
    const { add, running } = createHall();
    for (const { flight } of add("rotation", 20)) flight.abort();
    add("rotation", 20);
    await settle();
    expect(running().length).toBeLessThanOrEqual(20);
  });
  test("the mounts that wait go on after the last of those whom everybody left has ended", async () => {
    const { add, running } = createHall();
    const left = add("mount", 18);
    const waiting = add("mount", 3);
    await settle();
    for (const { flight } of left) flight.abort();
    await settle();
    for (const { end } of left) end();
    await settle();
    expect(namesOf(running())).toEqual(namesOf(waiting));
  });
});

describe("the gate", () => {
  test("closed, nobody starts and what runs goes on; open again, all go on", async () => {
    const { places, add, running } = createHall();
    const before = add("mount", 2);
    places.set("closed");
    add("mount", 3);
    add("rotation", 3);
    for (const { end } of before.slice(1)) end();
    await settle();
    expect(running()).toEqual(before.slice(0, 1));
    places.set("open");
    expect(running()).toHaveLength(7);
  });
  test.each([0, 1, 20])("probing, one goes alone though %i from before the pause still run", async (count) => {
    const { places, add, running, jobs } = createHall();
    const before = add("rotation", count);
    places.set("closed");
    add("rotation", 3);
    const [mount] = add("mount", 3);
    places.set("probing");
    await settle();
    expect(running().filter((job) => !before.includes(job))).toEqual([mount]);
    for (const { end } of before) end();
    await settle();
    expect(running()).toEqual([mount]);
    expect(jobs.filter(({ ranAs }) => ranAs !== undefined)).toHaveLength(count + 1);
  });
  test("probing, the next one goes when the first has ended, whatever became of it", async () => {
    const { places, add, running } = createHall();
    places.set("closed");
    const failing = places.take(createFakeFlight(), "a", () => Promise.reject(new Error("failed")));
    const [second, third] = add("mount", 2);
    places.set("probing");
    await expect(failing).rejects.toThrow("failed");
    await settle();
    expect(running()).toEqual([second]);
    second?.end();
    await settle();
    expect(running()).toEqual([third]);
  });
  test("who starts is told the epoch: that of the closing before", async () => {
    const { places, add } = createHall();
    const [first] = add("mount");
    places.set("closed");
    const [second] = add("mount");
    places.set("probing");
    await settle();
    expect(first?.epoch).not.toBe(second?.epoch);
    expect(second?.epoch).toBe(places.epoch());
  });
});

const gates = ["open", "closed", "probing", "probing"] as const;

test("whatever comes and goes, never too many run, and nobody waits while there is a place", async () => {
  const nth = fc.nat(60);
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant("come" as const),
        priority: fc.constantFrom("mount" as const, "rotation" as const),
        count: fc.integer({ min: 1, max: 15 }),
        identity: fc.constantFrom("a", "b"),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ does: fc.constantFrom("end" as const, "leave" as const, "rise" as const), nth }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("rest" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant("set" as const), gate: fc.constantFrom(...gates) }),
    },
  );
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (story) => {
    const hall = createHall();
    for (const happens of story) {
      if (happens.does === "come") hall.add(happens.priority, happens.count, happens.identity);
      else if (happens.does === "rest") await settle();
      else if (happens.does === "set") hall.set(happens.gate);
      else act(hall, happens.does, happens.nth);
      expectOrder(hall);
    }
    await settle();
    expectOrder(hall);
    hall.set("open");
    expectOrder(hall);
    const waiting = hall.jobs.filter(({ ranAs, flight }) => ranAs === undefined && !flight.signal.aborted);
    if (hall.running().length < 20)
      expect(namesOf(waiting.filter(({ flight }) => flight.priority() === "rotation"))).toEqual([]);
    if (hall.running("mount").length < 18 && hall.running().length < 20) expect(namesOf(waiting)).toEqual([]);
  });
  await fc.assert(property, { numRuns: 300 });
});

function act({ jobs, running }: Hall, does: "end" | "leave" | "rise", nth: number): void {
  if (does === "end") {
    const now = running();
    now[nth % now.length]?.end();
    return;
  }
  const open = jobs.filter(({ ended, flight }) => !ended && !flight.signal.aborted);
  const job = open[nth % open.length];
  if (does === "leave") job?.flight.abort();
  else if (job?.flight.priority() === "rotation") job.flight.raise();
}

function expectOrder({ jobs, intruders }: Hall): void {
  expect(intruders).toEqual([]);
  for (const { flight, ranAs, ended } of jobs)
    if (ranAs === undefined && flight.signal.aborted) expect(ended).toBe(false);
}
