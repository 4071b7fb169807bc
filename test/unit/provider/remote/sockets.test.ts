import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findSocket, isProviderName, parseDirectories } from "../../../../src/provider/remote/sockets.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sockets-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function put(...path: readonly string[]): string {
  const file = join(dir, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
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
  test("is the first that exists, in the order of the directories, whoever listens", () => {
    const second = put("b", "vault.sock");
    const directories = ["a", "b", "c"].map((name) => join(dir, name));
    put("c", "vault.sock");
    expect(findSocket("vault", directories).path).toBe(second);
    const first = put("a", "vault.sock");
    expect(findSocket("vault", directories).path).toBe(first);
  });

  test("is found in a directory that was written with a slash at its end", () => {
    expect(findSocket("vault", [`${join(put("vault.sock"), "..")}//`]).path).toBe(join(dir, "vault.sock"));
  });

  test("that was made anew is another one, and one that was not is the same", () => {
    const file = put("vault.sock");
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

  test("with a path that Linux does not take is told as that", () => {
    const long = put("x".repeat(100), "vault.sock");
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
