import fc from "fast-check";
import { expect, test } from "vitest";
import { troubleNames, versionsIn, type Trouble } from "../../fakes/day-troubles.ts";
import { classNames, liveThrough, type Day, type Happening } from "../../fakes/rotation-day.ts";

const minutes = { min: 1, max: 24 * 60 - 31 };

const troubles: fc.Arbitrary<Trouble> = fc.record({
  what: fc.constantFrom(...troubleNames),
  atMinute: fc.integer(minutes),
  forMinutes: fc.integer({ min: 1, max: 120 }),
  className: fc.constantFrom(...classNames),
});

const happenings: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom<Happening["what"]>(
    "new version",
    "restart of the pod",
    "restart of the plugin",
    "loss of the Secret",
    "clock is set",
  ),
  atMinute: fc.integer(minutes),
  volume: fc.nat(20),
});

const days: fc.Arbitrary<Day> = fc.record({
  volumes: fc.integer({ min: 1, max: 6 }),
  troubles: fc.array(troubles, { maxLength: 12 }),
  happenings: fc.array(happenings, { maxLength: 40 }),
});

/** Days that were bad once. */
const examples: readonly Day[] = [
  {
    // A pod restarts twice before its volume is there.
    volumes: 1,
    troubles: [],
    happenings: [5, 5].map((atMinute) => ({ what: "restart of the pod", atMinute, volume: 0 })),
  },
  {
    // By the time of day the new files are older than the Secret, and the repair comes before the pass.
    volumes: 1,
    troubles: [{ what: "API is away", atMinute: 31, forMinutes: 4, className: "alpha" }],
    happenings: [
      { what: "new version", atMinute: 24, volume: 0 },
      { what: "clock is set", atMinute: 29, volume: 0 },
      { what: "new version", atMinute: 30, volume: 0 },
    ],
  },
];

test("24 hours of rotation, whatever goes wrong: no torn volume, no lost update, no overlap, nothing that grows without end", async () => {
  await fc.assert(
    fc.asyncProperty(days, async (day) => {
      const { world, known, violations, latest, mostFetchesAtOnce, eventsOfPods } = await liveThrough(day);
      expect(violations).toEqual([]);
      // The fetch for a pod that was restarted may take its time to end beside that for its successor.
      const restarts = day.happenings.filter(({ what }) => what === "restart of the pod");
      expect(mostFetchesAtOnce).toBeLessThanOrEqual(day.volumes + restarts.length);
      expect(known).toHaveLength(day.volumes);
      for (const { volume, report, versions, secretsOwed } of known) {
        const wanted = latest.get(volume.className);
        expect(versionsIn(world.files.volumes.get(volume.targetPath)?.payload ?? [])).toEqual([wanted]);
        expect(versions?.map(({ version }) => Number(version))).toEqual([wanted, wanted]);
        expect(report).toBe("told");
        const reported = world.statuses.applied.findLast(({ pod }) => pod.uid === volume.pod.uid);
        expect(reported?.objects.map(({ version }) => Number(version))).toEqual([wanted, wanted]);
        const mirrored = world.secrets.held.get(`shop/${volume.className}`)?.data["a"] ?? [];
        expect([secretsOwed, Number(Buffer.from(mirrored).toString())]).toEqual([false, wanted]);
      }
      // Volumes of pods that are gone are gone, too.
      expect(world.files.volumes.size).toBe(day.volumes);
      const changes = day.happenings.length;
      for (const events of eventsOfPods.values())
        expect(events).toBeLessThanOrEqual(2 * changes + 24 * day.troubles.length);
    }),
    { numRuns: 30, examples: examples.map((day) => [day]) },
  );
}, 120_000);
