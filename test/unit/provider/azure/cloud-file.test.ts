import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCloudFile } from "../../../../src/provider/azure/cloud-file.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cloud-file-"));
  await mkdir(join(dir, "kubelet"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

const read = (path: string): Promise<ReadonlyMap<string, string>> => readCloudFile(path, join(dir, "kubelet"));

describe("a link that is changed while it is followed", () => {
  /** Points the link to one of the targets after the other, until it is told to stop. */
  function turning(link: string, targets: readonly string[]): () => Promise<void> {
    const state = { stopped: false };
    const turn = async (): Promise<void> => {
      for (let at = 0; !state.stopped; at += 1) {
        await symlink(targets[at % targets.length] ?? "", `${link}.new`);
        await rename(`${link}.new`, link);
      }
    };
    const turned = turn();
    return () => {
      state.stopped = true;
      return turned;
    };
  }

  test("never leads to another pod's volume, and never to a file that would keep the process waiting", async () => {
    const [allowed, forbidden] = [join(dir, "cloud.json"), join(dir, "kubelet", "token.json")];
    const fifo = join(dir, "fifo");
    await writeFile(allowed, '{"keyVaultDNSSuffix":"vault.example"}');
    await writeFile(forbidden, '{"keyVaultDNSSuffix":"hunter2"}');
    execFileSync("/usr/bin/mkfifo", [fifo]);
    const link = join(dir, "link.json");
    await symlink(allowed, link);
    const stop = turning(link, [allowed, forbidden, allowed, fifo]);
    const seen: string[] = [];
    for (let at = 0; at < 500; at += 1) {
      const told = read(link).then(
        (settings) => settings.get("keyvaultdnssuffix") ?? "",
        (error: unknown) => (error as Error).message,
      );
      seen.push(await told);
    }
    await stop();
    expect(seen).toContain("vault.example");
    expect(seen.filter((one) => one.includes("hunter2"))).toEqual([]);
  });
});

test("a file that is replaced counts from the next reading", async () => {
  const path = join(dir, "cloud.json");
  await writeFile(path, '{"keyVaultDNSSuffix":"one.example"}');
  expect((await read(path)).get("keyvaultdnssuffix")).toBe("one.example");
  await writeFile(`${path}.new`, '{"keyVaultDNSSuffix":"two.example"}');
  await rename(`${path}.new`, path);
  expect((await read(path)).get("keyvaultdnssuffix")).toBe("two.example");
});

test.each(["cloud\0.json", "c".repeat(5_000), "a/".repeat(3_000)])("a path that is none is refused", async (name) => {
  await expect(read(join(dir, name))).rejects.toMatchObject({ reason: "InvalidRequest" });
});

test("links that lead in circles are told", async () => {
  const path = join(dir, "circle.json");
  await symlink("circle.json", path);
  await expect(read(path)).rejects.toThrow(`open ${path}: too many levels of symbolic links`);
});
