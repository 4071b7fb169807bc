import fc from "fast-check";
import { expect, test } from "vitest";
import {
  classNames,
  liveThrough,
  versionsIn,
  type Day,
  type Happening,
  type Trouble,
} from "../../fakes/rotation-day.ts";

const minutes = { min: 1, max: 24 * 60 - 31 };

const troubles: fc.Arbitrary<Trouble> = fc.record({
  what: fc.constantFrom<Trouble["what"]>(
    "vault fails",
    "vault hangs",
    "vault is slow",
    "API is away",
    "files cannot be written",
    "kubelet is away",
  ),
  atMinute: fc.integer(minutes),
  forMinutes: fc.integer({ min: 1, max: 120 }),
  className: fc.constantFrom(...classNames),
});

const happenings: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom<Happening["what"]>("new version", "restart of the pod", "restart of the plugin"),
  atMinute: fc.integer(minutes),
  volume: fc.nat(20),
});

const days: fc.Arbitrary<Day> = fc.record({
  volumes: fc.integer({ min: 1, max: 6 }),
  troubles: fc.array(troubles, { maxLength: 12 }),
  happenings: fc.array(happenings, { maxLength: 40 }),
});

test("24 hours of rotation, whatever goes wrong: no torn volume, no lost update, no overlap, nothing that grows without end", async () => {
  await fc.assert(
    fc.asyncProperty(days, async (day) => {
      const { world, known, violations, latest, mostFetchesAtOnce, eventsOfPods } = await liveThrough(day);
      expect(violations).toEqual([]);
      // The fetch for a pod that was restarted may take its time to end beside that for its successor.
      const restarts = day.happenings.filter(({ what }) => what === "restart of the pod");
      expect(mostFetchesAtOnce).toBeLessThanOrEqual(day.volumes + restarts.length);
      expect(known).toHaveLength(day.volumes);
      for (const { volume, report, versions } of known) {
        const wanted = latest.get(volume.className);
        expect(versionsIn(world.files.volumes.get(volume.targetPath)?.payload ?? [])).toEqual([wanted]);
        expect(versions?.map(({ version }) => Number(version))).toEqual([wanted, wanted]);
        expect(report).toBe("told");
        const reported = world.statuses.applied.findLast(({ pod }) => pod.uid === volume.pod.uid);
        expect(reported?.objects.map(({ version }) => Number(version))).toEqual([wanted, wanted]);
      }
      // Volumes of pods that are gone are gone, too.
      expect(world.files.volumes.size).toBe(day.volumes);
      const changes = day.happenings.length;
      for (const events of eventsOfPods.values())
        expect(events).toBeLessThanOrEqual(changes + 12 * day.troubles.length);
    }),
    { numRuns: 30 },
  );
}, 120_000);
