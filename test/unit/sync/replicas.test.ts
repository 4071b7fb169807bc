import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Volume } from "../../../src/model.ts";
import { MANAGED } from "../../../src/sync/marks.ts";
import { api, held, outcomes, owner, paused, podOf, put, resetSecrets, sync, reset } from "../../fakes/secret-sync.ts";
import { aVolume } from "../../fakes/volumes.ts";

beforeEach(reset);

describe("however replicas interleave", () => {
  const volumes = (count: number): Volume[] =>
    Array.from({ length: count }, (_, index) => ({
      ...aVolume,
      pod: { namespace: "shop", name: `web-${index}`, uid: `pod-${index}` },
    }));

  test("a Secret is created once and its owners are all of theirs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom("absent", "adopted"),
        async (scheduler, ownersOfPods, start) => {
          resetSecrets();
          const secrets = paused(api, () => scheduler.schedule(Promise.resolve()));
          if (start === "adopted") put({ owners: [owner("old")] });
          const replicas = volumes(ownersOfPods.length);
          replicas.forEach((volume, index) => {
            podOf(
              volume,
              (ownersOfPods[index] ?? []).map((uid) => owner(uid)),
            );
          });
          const done = Promise.all(replicas.map((volume) => outcomes({ volume, ports: { secrets } })));
          await scheduler.waitFor(done);
          const created = (await done).flat().filter((outcome) => outcome === "created");
          expect(created).toHaveLength(start === "absent" ? 1 : 0);
          const union = new Set([...ownersOfPods.flat(), ...(start === "adopted" ? ["old"] : [])]);
          expect(
            held()
              ?.owners.map(({ uid }) => uid)
              .sort(),
          ).toEqual([...union].sort());
          expect(held()?.data).toEqual({ pw: Buffer.from("hunter2") });
        },
      ),
    );
  });

  test("by what the latest files hold a Secret settles, and no repair takes that back", async () => {
    const holding = fc.record({ second: fc.nat({ max: 5 }), turns: fc.nat({ max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(holding, { minLength: 2, maxLength: 5 }),
        async (scheduler, holdings) => {
          resetSecrets();
          const secrets = paused(api, () => scheduler.schedule(Promise.resolve()));
          const replicas = volumes(holdings.length);
          for (const volume of replicas) podOf(volume, [owner("rs")]);
          // Files of one second are one version of the content here.
          const repair = async (volume: Volume, index: number): Promise<void> => {
            const { second, turns } = holdings[index] ?? { second: 0, turns: 0 };
            const wishes = { volume, password: `v${second}`, writtenAt: new Date(second * 1_000), fresh: false };
            for (let turn = 0; turn <= turns; turn += 1) await sync({ ...wishes, ports: { secrets } });
          };
          await scheduler.waitFor(Promise.all(replicas.map(repair)));
          const latest = Math.max(...holdings.map(({ second }) => second));
          expect(held()?.data).toEqual({ pw: Buffer.from(`v${latest}`) });
        },
      ),
    );
  });

  test("no Secret that is not managed is ever written, whoever takes its label away meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 8 }), async (scheduler, when) => {
        const wrote: (string | undefined)[] = [];
        const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve());
        resetSecrets();
        put({});
        const secrets = paused(api, pause);
        const watched = {
          ...secrets,
          patch: async (...args: Parameters<typeof api.patch>) => {
            const result = await secrets.patch(...args);
            if (result === "patched") wrote.push(held()?.labels[MANAGED]);
            return result;
          },
        };
        const takeOver = async (): Promise<void> => {
          for (let turn = 0; turn < when; turn += 1) await pause();
          put({ labels: {}, uid: "theirs", resourceVersion: "theirs", owners: [], data: {} });
        };
        const replicas = volumes(3);
        for (const volume of replicas) podOf(volume, [owner(volume.pod.uid)]);
        const ports = { secrets: watched };
        await scheduler.waitFor(Promise.all([takeOver(), ...replicas.map((volume) => sync({ volume, ports }))]));
        expect(wrote.every((label) => label === "true")).toBe(true);
        expect(held()).toMatchObject({ uid: "theirs", resourceVersion: "theirs", owners: [], data: {} });
      }),
    );
  });
});
