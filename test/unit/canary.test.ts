import { expect, test } from "vitest";
import { createCanary, findLeaks } from "../fakes/canary.ts";

const canary = createCanary();

test.each([
  ["a window of it", `x${canary.slice(5, 13)}y`],
  ["its base64", Buffer.from(`a${canary}`).toString("base64")],
  ["its base64url", Buffer.from(`ab${canary}`).toString("base64url")],
  ["its hex", Buffer.from(canary.slice(3, 12)).toString("hex")],
  ["its percent-encoding", [...Buffer.from(canary.slice(3, 12))].map((byte) => `%${byte.toString(16)}`).join("")],
])("the search for leaks finds %s", (_, text) => {
  expect(findLeaks([canary], { place: text })).not.toEqual([]);
});

test("the search for leaks finds nothing where nothing is", () => {
  expect(findLeaks([canary], { place: createCanary().repeat(100) })).toEqual([]);
});
