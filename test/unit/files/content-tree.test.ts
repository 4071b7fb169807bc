import { expect, test } from "vitest";
import { contentTree, isTree } from "../../../src/files/content-tree.ts";
import type { ContentTree } from "../../../src/files/content-tree.ts";
import { payloadOf } from "../../fakes/payload.ts";

function outline(tree: ContentTree): unknown {
  return Object.fromEntries(
    [...tree].map(([name, node]) => [name, isTree(node) ? outline(node) : Buffer.from(node.contents).toString()]),
  );
}

test("files hang under their directories", () => {
  const tree = contentTree(payloadOf({ a: "1", "d/x": "2", "d/e/y": "3", "d/e/z": "4" }));
  expect(outline(tree)).toEqual({ a: "1", d: { x: "2", e: { y: "3", z: "4" } } });
});

test("names are the bytes that the kernel will see", () => {
  expect([...contentTree(payloadOf({ ü: "1" })).keys()]).toEqual(["\u00c3\u00bc"]);
});
