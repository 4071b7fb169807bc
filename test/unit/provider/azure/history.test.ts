import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wantedVersions } from "../../../../src/provider/azure/history.ts";
import type { KeyVaultObject } from "../../../../src/provider/azure/objects.ts";
import type { VaultVersion } from "../../../../src/provider/azure/vault.ts";
import { createFakeVault, idOf } from "../../../fakes/azure-vault.ts";
import { noSignal } from "../../../fakes/volumes.ts";

const secret1: KeyVaultObject = {
  kind: "secret",
  name: "secret1",
  version: "",
  history: 5,
  path: "secret1",
  mode: 0o644,
  format: "pem",
  encoding: "utf-8",
};

/** A version in a vault's list. */
const listed = (version: string, created?: number, enabled?: boolean): VaultVersion => ({
  id: idOf("secrets", "secret1", version),
  attributes: { created, enabled },
});
/** Newest first: a was created last. */
const list = (versions: string): VaultVersion[] => Array.from(versions).map((one, index) => listed(one, 1000 - index));

/** The versions wanted, as `<path>@<version>`. */
async function wanted(change: Partial<KeyVaultObject>, versions: readonly VaultVersion[]): Promise<string[]> {
  const vault = createFakeVault({}, { "secrets/secret1": versions });
  const found = await wantedVersions(vault, { ...secret1, ...change }, noSignal);
  return found.map(({ object }) => `${object.path}@${object.version}`);
}

describe("a history", () => {
  test.each<[string, Partial<KeyVaultObject>, readonly VaultVersion[], string]>([
    ["of 5, from latest on", { version: "latest" }, list("abcde"), "abcde"],
    ["of 5, listed in another order", {}, [3, 1, 4, 0, 2].flatMap((n) => list("abcde")[n] ?? []), "abcde"],
    ["of 2 of 2", { history: 2 }, list("ab"), "ab"],
    ["of 200 of 2", { history: 200 }, list("ab"), "ab"],
    ["of 5, from c on", { version: "c" }, list("abcde"), "cde"],
    ["of N is N: 2 of 3", { history: 2 }, list("abc"), "ab"],
    ["of N is N: 5 of 8", {}, list("abcdefgh"), "abcde"],
    ["of N is N from a version on", { history: 2, version: "b" }, list("abcd"), "bc"],
    ["from a version that is not there", { version: "x" }, list("abc"), ""],
    ["from a version that is disabled", { version: "b" }, [listed("a", 2), listed("b", 1, false)], ""],
    ["of nothing", {}, [], ""],
    ["leaves disabled ones out", {}, [listed("a", 3, true), listed("b", 2, false), listed("c", 1)], "ac"],
    ["leaves out what has no attributes", {}, [{ id: idOf("secrets", "secret1", "a") }, listed("b", 1)], "b"],
    ["leaves out what has no version", {}, [{ id: "nothing", attributes: {} }, listed("b", 1)], "b"],
    ["takes a missing date for the oldest", {}, [listed("a"), listed("b", 1)], "ba"],
    ["keeps the order of what is equally old", {}, [listed("a", 7), listed("b", 7), listed("c", 7)], "abc"],
  ])("%s", async (_, change, versions, expected) => {
    expect(await wanted(change, versions)).toEqual(
      Array.from(expected).map((version, index) => `secret1/${index}@${version}`),
    );
  });
  test.each([
    ["dir/alias", "dir/alias/0"],
    ["./a", "a/0"],
    ["a//b/", "a/b/0"],
    [".", "0"],
  ])("at %s is at %s", async (path, first) => {
    expect(await wanted({ path }, list("a"))).toEqual([`${first}@a`]);
  });
  test("is reported by its index, and is asked for under the object's kind", async () => {
    const lists = { "keys/k": [{ id: idOf("keys", "k", "v"), attributes: {} }] };
    const vault = createFakeVault({}, lists);
    const found = await wantedVersions(vault, { ...secret1, kind: "key", name: "k", path: "alias" }, noSignal);
    expect(found.map(({ id }) => id)).toEqual(["key/k/0"]);
    expect(vault.asked).toEqual(["keys/k/versions"]);
  });
  test.each([
    ["alias", 0],
    ["multiple-versions", 0],
    ["folder/multiple-versions", 8],
  ])("at %s is reported by kind, name and the index %i, never by its path", async (path, index) => {
    const vault = createFakeVault({}, { "secrets/multiple-versions": list("abcdefghi") });
    const object = { ...secret1, name: "multiple-versions", history: 9, path };
    const found = (await wantedVersions(vault, object, noSignal))[index];
    expect([found?.id, found?.object.path]).toEqual([`secret/multiple-versions/${index}`, `${path}/${index}`]);
  });
  test("of more than 100 versions is refused, one that asks for more and finds fewer is not", async () => {
    const many = (count: number): VaultVersion[] => Array.from({ length: count }, (_, n) => listed(`v${n}`, n));
    expect(await wanted({ history: 101 }, many(100))).toHaveLength(100);
    await expect(wanted({ history: 101 }, many(101))).rejects.toMatchObject({
      reason: "InvalidRequest",
      message: "objectVersionHistory of secret/secret1 asks for more than the limit of 100 versions: lower it",
    });
  });
  test("an error of the list is told without the object's beginning", async () => {
    await expect(wantedVersions(createFakeVault({}), secret1, noSignal)).rejects.toThrow(/^no secrets secret1$/);
  });
  test("is the newest N in order, however the vault lists them", async () => {
    const versions = fc.uniqueArray(fc.nat(50), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(versions, fc.integer({ min: 2, max: 25 }), async (times, history) => {
        const expected = times.toSorted((a, b) => b - a).slice(0, history);
        const found = await wanted(
          { history },
          times.map((time) => listed(`v${time}`, time)),
        );
        expect(found).toEqual(expected.map((time, index) => `secret1/${index}@v${time}`));
      }),
    );
  });
});

describe("one version", () => {
  test.each(["single-version", "alias", "dir/alias"])("at %s is reported by kind and name", async (path) => {
    const object = { ...secret1, name: "single-version", history: 0, path };
    expect((await wantedVersions(createFakeVault({}), object, noSignal))[0]?.id).toBe("secret/single-version");
  });
  test.each([-3, 0, 1])("is what a history of %i is, and `latest` is no word then", async (history) => {
    const vault = createFakeVault({});
    const object = { ...secret1, history, version: "latest" };
    expect(await wantedVersions(vault, object, noSignal)).toEqual([{ object, id: "secret/secret1" }]);
    expect(vault.asked).toEqual([]);
  });
});
