import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { leaveDeadSocket } from "../../../fakes/dead-socket.ts";
import { findSocket, isProviderName, parseDirectories } from "../../../../src/provider/remote/sockets.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sockets-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function put(...path: readonly string[]): Promise<string> {
  const file = join(dir, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  await leaveDeadSocket(file);
  return file;
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe("a socket", () => {
  test("is the first that exists, in the order of the directories, whoever listens", async () => {
    const second = await put("b", "vault.sock");
    const directories = ["a", "b", "c"].map((name) => join(dir, name));
    await put("c", "vault.sock");
    expect(findSocket("vault", directories).path).toBe(second);
    const first = await put("a", "vault.sock");
    expect(findSocket("vault", directories).path).toBe(first);
  });

  test("is found in a directory that was written with a slash at its end", async () => {
    await put("vault.sock");
    expect(findSocket("vault", [`${dir}//`]).path).toBe(join(dir, "vault.sock"));
  });

  test("that was made anew is another one, and one that was not is the same", async () => {
    const file = await put("vault.sock");
    const { identity } = findSocket("vault", [dir]);
    expect(findSocket("vault", [dir]).identity).toBe(identity);
    // Even where the file system gives it the same number again.
    utimesSync(file, 1, 1);
    expect(findSocket("vault", [dir]).identity).not.toBe(identity);
  });

  test("that is nowhere is told with the directories and the remedy", () => {
    expect(thrownBy(() => findSocket("vault", ["/additional", "/usual"]))).toMatchObject({
      reason: "ProviderNotFound",
      message:
        'provider not found: provider "vault": there is no vault.sock in /additional or /usual: ' +
        "install the provider on this node, or correct spec.provider",
    });
  });

  test("that is a link is the one that it leads to, and another one where it leads elsewhere", async () => {
    const link = join(dir, "vault.sock");
    const told = [];
    for (const name of ["a", "b"]) {
      rmSync(link, { force: true });
      symlinkSync(await put(name, "real.sock"), link);
      told.push(findSocket("vault", [dir]));
    }
    expect(told.map(({ path }) => path)).toEqual([link, link]);
    expect(told[0]?.identity).not.toBe(told[1]?.identity);
  });

  test.each<[string, (path: string) => void]>([
    ["a directory", mkdirSync],
    [
      "a plain file",
      (path) => {
        writeFileSync(path, "");
      },
    ],
  ])("that is %s is told at once, and hides those behind it", async (_name, make) => {
    mkdirSync(join(dir, "a"));
    make(join(dir, "a", "vault.sock"));
    await put("b", "vault.sock");
    expect(thrownBy(() => findSocket("vault", [join(dir, "a"), join(dir, "b")]))).toMatchObject({
      reason: "ProviderNotFound",
      message: expect.stringContaining("/a/vault.sock is no socket: remove it") as string,
    });
  });

  test("that could not be looked for is passed over, and why is told where there is no other", async () => {
    symlinkSync("vault.sock", join(dir, "vault.sock"));
    expect(thrownBy(() => findSocket("vault", ["/additional", dir]))).toMatchObject({
      message:
        `provider not found: provider "vault": there is no vault.sock in /additional or ${dir}; ${dir}/vault.sock: ELOOP: ` +
        "install the provider on this node, or correct spec.provider",
    });
    const other = await put("b", "vault.sock");
    expect(findSocket("vault", [dir, join(dir, "b")]).path).toBe(other);
  });

  test("with a path that Linux does not take is told as that", async () => {
    const long = await put("x".repeat(100), "vault.sock");
    expect(thrownBy(() => findSocket("vault", [join(long, "..")]))).toMatchObject({
      reason: "ProviderNotFound",
      message: expect.stringContaining("longer than the 107 bytes") as string,
    });
  });
});

test.each([
  ["vault", true],
  ["A-b_9", true],
  ["x".repeat(30), true],
  ["x".repeat(31), false],
  ["", false],
  ["../vault", false],
  ["a.b", false],
  ["vault\n", false],
  ["vaült", false],
])("%j as the name of a provider: %s", (name, valid) => {
  expect(isProviderName(name)).toBe(valid);
});

describe("directories of a flag", () => {
  test.each([
    ["", []],
    ["/a", ["/a"]],
    [" /a , /b,,", ["/a", "/b"]],
  ])("%j", (text, directories) => {
    expect(parseDirectories(text)).toEqual(directories);
  });

  test("must be absolute", () => {
    expect(() => parseDirectories("/a,b")).toThrow('must be absolute paths, and "b" is not');
  });
});
