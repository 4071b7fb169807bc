import { expect, test } from "vitest";
import { podStatusName } from "../../../src/formats/pod-status-name.ts";
import { podStatusOf } from "../../../src/volume/pod-status.ts";
import { aVolume } from "../../fakes/volumes.ts";

test("a pod status is named after pod, namespace and class", () => {
  expect(podStatusName(aVolume)).toBe("web-0-shop-vault");
});

test("objects are sorted by id, whatever order they came in", () => {
  const versions = ["b", "a", "B"].map((id) => ({ id, version: "1" }));
  expect(podStatusOf(aVolume, versions, "node-1").objects.map(({ id }) => id)).toEqual(["B", "a", "b"]);
});

test("of several entries of one object the last counts", () => {
  const versions = [
    { id: "a", version: "1" },
    { id: "b", version: "1" },
    { id: "a", version: "2" },
  ];
  expect(podStatusOf(aVolume, versions, "node-1").objects).toEqual([
    { id: "a", version: "2" },
    { id: "b", version: "1" },
  ]);
});
