import type { Payload, VolumeFile } from "../model.ts";
import { byteName } from "./anchored-directory.ts";

/** A payload as directories have it: byte name → file, or directory. */
export type ContentTree = ReadonlyMap<string, VolumeFile | ContentTree>;

type GrowingTree = Map<string, VolumeFile | GrowingTree>;

/** Hangs every file of a payload under its directories. */
export function contentTree(payload: Payload): ContentTree {
  const tree: GrowingTree = new Map();
  for (const file of payload) {
    const components = file.path.split("/").map(byteName);
    const name = components.pop() ?? "";
    components.reduce(subtree, tree).set(name, file);
  }
  return tree;
}

/** Whether a node of the tree is a directory. */
export function isTree(node: VolumeFile | ContentTree): node is ContentTree {
  return node instanceof Map;
}

function subtree(tree: GrowingTree, name: string): GrowingTree {
  const there = tree.get(name);
  // A payload has no path that is both file and directory.
  if (there instanceof Map) return there;
  const made: GrowingTree = new Map();
  tree.set(name, made);
  return made;
}
