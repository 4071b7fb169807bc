import { describe, expect, test } from "vitest";
import { createCapacity, MOST_AT_ONCE, type Capacity } from "../../../../src/provider/azure/capacity.ts";

/** So many begin; the functions that end them. */
function begin(capacity: Capacity, mounts: number, rotations: number): (() => void)[] {
  return [
    ...Array.from({ length: mounts }, () => capacity.begin("mount")),
    ...Array.from({ length: rotations }, () => capacity.begin("rotation")),
  ];
}

const allowed = ({ allows }: Capacity): [mount: boolean, rotation: boolean] => [allows("mount"), allows("rotation")];

describe("open", () => {
  test.each([
    // mounts and rotations that run, whether one more of each may
    [0, 0, true, true],
    [17, 0, true, true],
    [18, 0, false, true],
    [18, 1, false, true],
    [18, 2, false, false],
    [17, 2, true, true],
    [17, 3, false, false],
    [0, 19, true, true],
    [0, 20, false, false],
  ])("with %i mounts and %i rotations: a mount %s, a rotation %s", (mounts, rotations, mount, rotation) => {
    const capacity = createCapacity();
    begin(capacity, mounts, rotations);
    expect(allowed(capacity)).toEqual([mount, rotation]);
  });
  test("each that ends frees the place of its own kind", () => {
    const capacity = createCapacity();
    const [mount, ...others] = begin(capacity, 18, 2);
    mount?.();
    expect(allowed(capacity)).toEqual([true, true]);
    capacity.begin("mount");
    others.at(-1)?.();
    expect(allowed(capacity)).toEqual([false, true]);
  });
});

describe("closed", () => {
  test("nobody may, and each closing begins an epoch", () => {
    const capacity = createCapacity();
    const epochs = [capacity.epoch()];
    for (let closing = 0; closing < 3; closing += 1) {
      capacity.set("closed");
      expect(allowed(capacity)).toEqual([false, false]);
      epochs.push(capacity.epoch());
    }
    expect(new Set(epochs).size).toBe(4);
  });
  test("probing and opening belong to the epoch of the closing before", () => {
    const capacity = createCapacity();
    capacity.set("closed");
    const epoch = capacity.epoch();
    capacity.set("probing");
    capacity.set("open");
    expect(capacity.epoch()).toBe(epoch);
  });
});

describe("probing", () => {
  test.each([0, 1, MOST_AT_ONCE])("one of either kind may, though %i from before the pause still run", (before) => {
    const capacity = createCapacity();
    begin(capacity, 0, before);
    capacity.set("closed");
    capacity.set("probing");
    expect(allowed(capacity)).toEqual([true, true]);
    const end = capacity.begin("mount");
    expect(allowed(capacity)).toEqual([false, false]);
    end();
    expect(allowed(capacity)).toEqual([true, true]);
  });
  test("one from before that ends makes no room for a second", () => {
    const capacity = createCapacity();
    const [first] = begin(capacity, 0, 5);
    capacity.set("closed");
    capacity.set("probing");
    const end = capacity.begin("mount");
    first?.();
    expect(allowed(capacity)).toEqual([false, false]);
    end();
    expect(allowed(capacity)).toEqual([true, true]);
  });
  test("one of an earlier probing is from before as well", () => {
    const capacity = createCapacity();
    capacity.set("closed");
    capacity.set("probing");
    const earlier = capacity.begin("mount");
    capacity.set("closed");
    capacity.set("probing");
    expect(allowed(capacity)).toEqual([true, true]);
    capacity.begin("mount");
    earlier();
    expect(allowed(capacity)).toEqual([false, false]);
  });
});

test("opened again, those from before the pause count with the rest", () => {
  const capacity = createCapacity();
  const before = begin(capacity, 0, 20);
  capacity.set("closed");
  capacity.set("probing");
  capacity.begin("mount");
  capacity.set("open");
  expect(allowed(capacity)).toEqual([false, false]);
  before[0]?.();
  expect(allowed(capacity)).toEqual([false, false]);
  before[1]?.();
  expect(allowed(capacity)).toEqual([true, true]);
});
