import { expect, test } from "vitest";
import { manifestsHash, parseManifests } from "../../../src/formats/manifest.ts";

const object = "apiVersion: v1\nkind: K\nmetadata: {name: a}\n";

test("documents become objects, in their order; empty ones are left out", () => {
  const text = `# a comment\n---\n${object}spec: &spec {x: 1}\nagain: *spec\n---\n---\n${object.replace("name: a", "name: b")}`;
  expect(parseManifests(text)).toEqual([
    { apiVersion: "v1", kind: "K", metadata: { name: "a" }, spec: { x: 1 }, again: { x: 1 } },
    { apiVersion: "v1", kind: "K", metadata: { name: "b" } },
  ]);
  expect(parseManifests("")).toEqual([]);
});

test.each([["kind: K"], ["- a"], ["text"], ["a: [b"], [object.replace("name: a", "name: 1")]])(
  "what is no object is refused, by its place: %j",
  (text) => {
    expect(() => parseManifests(`${object}---\n${text}\n`)).toThrow("document 2 is no Kubernetes object");
  },
);

test("their hash is the one of sha256sum", () => {
  expect(manifestsHash(Buffer.from("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
