import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type Extension,
} from "@peculiar/x509";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { buildChain } from "../../../../src/provider/azure/chain.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
let keys: webcrypto.CryptoKeyPair;
let made: Readonly<Record<string, Uint8Array>>;

/** A certificate of which only the key ids matter. */
async function make(name: string, subject?: string, authority?: string): Promise<Uint8Array> {
  const extensions: Extension[] = [];
  if (subject !== undefined) extensions.push(new SubjectKeyIdentifierExtension(subject));
  if (authority !== undefined) extensions.push(new AuthorityKeyIdentifierExtension(authority));
  const options = { name: `CN=${name}`, keys, signingAlgorithm: algorithm, extensions, serialNumber: "01" };
  return new Uint8Array((await X509CertificateGenerator.createSelfSigned(options)).rawData);
}

/** Each signed by the next: 0 is a leaf, the last a root. */
const long = Array.from({ length: 9 }, (_, n) => `link ${n}`);

beforeAll(async () => {
  keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  made = {
    root: await make("root", "aa", "aa"),
    "renewed root": await make("renewed", "aa", "aa"),
    anchor: await make("anchor", "aa"),
    int: await make("int", "bb", "aa"),
    low: await make("low", "cc", "bb"),
    leaf: await make("leaf", "dd", "bb"),
    "leaf of low": await make("leaf", undefined, "cc"),
    "leaf without ski": await make("leaf", undefined, "bb"),
    "leaf of root": await make("leaf", "ee", "aa"),
    "other leaf": await make("other", "ff", "bb"),
    stranger: await make("stranger", "12", "34"),
    plain: await make("plain"),
    "other plain": await make("other"),
    "empty ids": await make("empty", "", ""),
    "other empty ids": await make("other", "", ""),
    "cross one": await make("one", "56", "78"),
    "cross two": await make("two", "78", "56"),
  };
  const links = long.map(async (name, n) => [name, await make(name, `f${n}`, `f${Math.min(n + 1, 8)}`)] as const);
  made = { ...made, ...Object.fromEntries(await Promise.all(links)) };
});

const certificateOf = (name: string): Uint8Array => made[name] ?? expect.fail(`no ${name}`);
const build = (names: readonly string[]): { names: string[]; complete: boolean } => {
  const { certificates, complete } = buildChain(names.map(certificateOf));
  const nameOf = (one: Uint8Array): string => Object.keys(made).find((name) => made[name] === one) ?? "?";
  return { names: certificates.map(nameOf), complete };
};

describe("buildChain()", () => {
  test.each<[given: string[], chain: string[]]>([
    [
      ["root", "int", "leaf"],
      ["leaf", "int", "root"],
    ],
    [
      ["leaf", "int"],
      ["leaf", "int"],
    ],
    [
      ["int", "leaf"],
      ["leaf", "int"],
    ],
    [
      ["int", "leaf without ski"],
      ["leaf without ski", "int"],
    ],
    [
      ["anchor", "int", "leaf"],
      ["leaf", "int", "anchor"],
    ],
    [["root"], ["root"]],
    [["plain"], ["plain"]],
    [["leaf"], ["leaf"]],
    [["root", "root"], ["root"]],
    [
      ["root", "root", "int", "leaf"],
      ["leaf", "int", "root"],
    ],
    [
      ["leaf", "int", "leaf", "root", "int"],
      ["leaf", "int", "root"],
    ],
  ])("%j is the chain %j", (given, names) => {
    expect(build(given)).toEqual({ names, complete: true });
  });
  test.each<[given: string[]]>([
    [["leaf", "root"]],
    [["root", "leaf"]],
    [["leaf", "other leaf"]],
    [["leaf", "int", "stranger"]],
    [["other leaf", "leaf", "int", "root"]],
    [["plain", "other plain"]],
    [["empty ids", "other empty ids"]],
  ])("%j is not complete and stays in its order", (given) => {
    expect(build(given)).toEqual({ names: given, complete: false });
  });
  test.each<[given: string[], message: string]>([
    [[], "no leaf found"],
    [["cross one", "cross two"], "no leaf found"],
    [["root", "renewed root"], "no leaf found"],
    [["root", "renewed root", "int", "leaf"], "constructing chain resulted in cycle"],
  ])("%j is refused: %s", (given, message) => {
    expect(() => build(given)).toThrow(expect.objectContaining({ reason: "ProviderError", message }));
  });
  test("what is no certificate is refused and not quoted", () => {
    expect(() => buildChain([Buffer.from("secret")])).toThrow(
      "failed to parse a certificate of the PFX: import the certificate anew",
    );
  });
  test("any permutation of a complete chain of any length gives the same chain", () => {
    const chain = fc
      .tuple(fc.nat(long.length - 1), fc.nat(long.length))
      .map(([from, count]) => long.slice(from, from + count + 1));
    const shuffled = chain.chain((names) =>
      fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length })),
    );
    fc.assert(
      fc.property(shuffled, ([names, given]) => {
        expect(build(given)).toEqual({ names, complete: true });
      }),
    );
  });
  test.each([
    [["leaf", "int", "root"]],
    [["leaf of low", "low", "int", "root"]],
    [["leaf of low", "low", "int", "anchor"]],
    [["leaf of low", "low", "int"]],
  ])("any permutation of the complete chain %j gives the same chain", (chain) => {
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: chain.length }), fc.subarray(chain), (given, twice) => {
        expect(build([...given, ...twice])).toEqual({ names: chain, complete: true });
      }),
    );
  });
});
