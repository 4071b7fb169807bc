import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/grpc/client.ts";
import { aContext, aPublishMessage } from "../fakes/messages.ts";
import {
  goldenIdentityRows,
  goldenRows,
  stockGoldenVault,
  withoutNames,
  type GoldenRow,
} from "../fakes/golden-rows.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const INVALID = 3;

let world: World;
let plugin: PluginProcess;

beforeAll(async () => {
  world = await startWorld();
  await stockGoldenVault(world.emulator);
  plugin = await world.startPlugin();
});
afterAll(async () => {
  await plugin.stop();
  await world.close();
});

interface Refusal {
  readonly code: number;
  readonly details: string;
}

/** How kubelet is refused, without what differs from run to run. */
async function refusalOf(pod: string, shape: GoldenRow["shape"], tokensIn: "secrets" | "none"): Promise<Refusal> {
  await world.createPod({ ...shape, pod });
  const published = world.kubeletWith({ tokensIn }).publish(pod);
  const told = await published.then(
    () => expect.fail("published"),
    (error: unknown) => error as Refusal,
  );
  return { code: told.code, details: withoutNames(told.details, world.emulator) };
}

const beginningOf = (pod: string): string =>
  `failed to mount secrets store objects for pod default/${pod}, err: failed to mount objects, error: `;

test.each(goldenRows)("$request", async (row) => {
  const pod = `golden-${goldenRows.indexOf(row)}`;
  const details = `${beginningOf(pod)}${row.says}${row.more ?? ""}`;
  expect(await refusalOf(pod, row.shape, "secrets")).toEqual({ code: row.code, details });
});

test("no pod name: what kubelet says is judged before the provider, by the name of its field", async () => {
  const client = createClient(world.socketPath);
  const volumeContext = aContext({ "csi.storage.k8s.io/pod.name": undefined });
  await expect(client.node.nodePublishVolume(aPublishMessage({ volumeContext }))).rejects.toMatchObject({
    code: INVALID,
    details:
      "volume_context csi.storage.k8s.io/pod.name is missing: the CSIDriver object must have podInfoOnMount: true",
  });
  client.close();
});

test("an empty array: success for the provider, an error of the driver", async () => {
  expect(await refusalOf("empty", { objects: "array: []" }, "secrets")).toEqual({
    code: INVALID,
    details:
      "failed to mount secrets store objects for pod default/empty, err: missing object versions: " +
      "secretproviderclass default/empty names no objects, add one under objects",
  });
});

test.each(goldenIdentityRows)("$request", async (row) => {
  const pod = `identity-${goldenIdentityRows.indexOf(row)}`;
  const says = `${beginningOf(pod)}${row.says}`;
  const { code, details } = await refusalOf(pod, row.shape, "none");
  expect({ code, says: details.slice(0, says.length) }).toEqual({ code: row.code, says });
});
