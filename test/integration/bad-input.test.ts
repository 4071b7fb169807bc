import { readdir, readlink } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  everythingBelow,
  secretObject,
  startWorld,
  type PluginProcess,
  type PodShape,
  type World,
} from "../fakes/world.ts";

interface Row {
  readonly what: string;
  readonly shape: Omit<PodShape, "pod">;
  readonly code: number;
  readonly says: RegExp;
}

const INVALID = 3;
const DENIED = 7;
const PRECONDITION = 9;
const INTERNAL = 13;

const rows: readonly Row[] = [
  { what: "readOnly false", shape: { readOnly: false }, code: INVALID, says: /^readonly must be true/ },
  {
    what: "a class that does not exist",
    shape: { attributes: { secretProviderClass: "nowhere" } },
    code: PRECONDITION,
    says: /^failed to get secretproviderclass default\/nowhere, error: .*not found/,
  },
  {
    what: "an empty class name",
    shape: { attributes: { secretProviderClass: "" } },
    code: INVALID,
    says: /secretProviderClass is missing/,
  },
  {
    what: "a provider that nobody serves",
    shape: { provider: "vault" },
    code: PRECONDITION,
    says: /provider not found: provider "vault"/,
  },
  {
    what: "no vault name",
    shape: { parameters: { keyvaultName: "" } },
    code: INVALID,
    says: /keyvaultName is not provided/,
  },
  {
    what: "a vault name that is too short",
    shape: { parameters: { keyvaultName: "kv" } },
    code: INVALID,
    says: /Invalid vault name: "kv", must be between 3 and 24 chars/,
  },
  {
    what: "no tenant",
    shape: { parameters: { tenantID: " ", tenantId: "" } },
    code: INVALID,
    says: /tenantId is not provided/,
  },
  {
    what: "an unknown cloud",
    shape: { parameters: { cloudName: "AzureCloud1" } },
    code: INVALID,
    says: /cloudName AzureCloud1 is not valid/,
  },
  {
    what: "a cloud file below /proc",
    shape: { parameters: { cloudEnvFileName: "/proc/self/environ" } },
    code: INVALID,
    says: /\/proc/,
  },
  {
    what: "objects that are a bare list",
    shape: { objects: "- a" },
    code: INVALID,
    says: /failed to yaml unmarshal objects, error: yaml: unmarshal errors/,
  },
  { what: "no objects", shape: { objects: "array: []" }, code: INVALID, says: /missing object versions/ },
  {
    what: "a wrong object type",
    shape: { objects: secretObject("DemoSecret", { objectType: "Secret" }) },
    code: INVALID,
    says: /Invalid vaultObjectTypes/,
  },
  {
    what: "an invalid permission",
    shape: { objects: secretObject("DemoSecret", { filePermission: "0999" }) },
    code: INVALID,
    says: /file permission must be a valid octal number/,
  },
  {
    what: "a path out of the volume",
    shape: { objects: secretObject("DemoSecret", { objectAlias: "../etc/passwd" }) },
    code: INVALID,
    says: /file name must not contain '\.\.'/,
  },
  {
    what: "a path that is not clean",
    shape: { objects: secretObject("DemoSecret", { objectAlias: "a//b" }) },
    code: INVALID,
    says: /a\/\/b/,
  },
  {
    what: "a lone surrogate in a field",
    shape: { objects: 'array:\n  - |\n    objectName: DemoSecret\n    objectType: "\\uD800"\n' },
    code: INVALID,
    says: /lone surrogate/,
  },
  {
    what: "a field of 100,000 characters",
    shape: { objects: secretObject("DemoSecret", { objectType: "x".repeat(100_000) }) },
    code: INVALID,
    says: /failed to get objectType:xxx/,
  },
  {
    what: "more objects than a volume holds",
    shape: { objects: `array:\n${"  - |\n    objectName: DemoSecret\n    objectType: secret\n".repeat(501)}` },
    code: INVALID,
    says: /501 objects, more than the limit of 500/,
  },
  {
    what: "a secret that does not exist",
    shape: { objects: secretObject("Missing") },
    code: INTERNAL,
    says: /failed to get objectType:secret, objectName:Missing, objectVersion:: GET .*SecretNotFound/,
  },
  {
    what: "content that is not of the encoding",
    shape: { objects: secretObject("DemoSecret", { objectEncoding: "hex" }) },
    code: INTERNAL,
    says: /encoding\/hex/,
  },
  {
    what: "a vault that gives no right",
    shape: { parameters: { keyvaultName: "other-vault" } },
    code: DENIED,
    says: /RESPONSE 403: 403 Forbidden/,
  },
  {
    what: "no client secret",
    shape: { credentials: { clientid: "x" } },
    code: INVALID,
    says: /could not find clientsecret in secrets/,
  },
  {
    what: "an empty Secret",
    shape: { credentials: {} },
    code: INVALID,
    says: /nodePublishSecretRef secret is not set/,
  },
];

let world: World;
let plugin: PluginProcess;

beforeAll(async () => {
  world = await startWorld();
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "not hexadecimal");
  plugin = await world.startPlugin();
  await world.createPod({ pod: "warm" });
  await world.kubelet.publish("warm");
  await world.kubelet.unpublish("warm");
});
afterAll(async () => {
  await plugin.stop();
  await world.close();
});

test.each(rows)("$what: an error that names it, and nothing left behind", async ({ shape, code, says }) => {
  const pod = `bad-${rows.findIndex((row) => row.shape === shape)}`;
  await world.createPod({ ...shape, pod });
  const before = await ordinaryDescriptors();
  const error = await world.kubelet.publish(pod).then(
    () => undefined,
    (refused: unknown) => refused as { code: number; details: string },
  );
  expect(error?.details).toMatch(says);
  expect(error?.code).toBe(code);
  expect(await everythingBelow(await volumeDirectory(pod))).toEqual([]);
  expect(await world.mounts()).toEqual([]);
  expect(await world.podStatus(pod)).toBeUndefined();
  await expect.poll(ordinaryDescriptors, { timeout: 10_000 }).toBeLessThanOrEqual(before);
});

async function volumeDirectory(pod: string): Promise<string> {
  return (await world.targetOf(pod)).replace(/\/mount$/, "");
}

/** Descriptors of the plugin that are not sockets: connections are kept on purpose. */
async function ordinaryDescriptors(): Promise<number> {
  const dir = `/proc/${plugin.pid}/fd`;
  const targets = await Promise.all((await readdir(dir)).map((fd) => readlink(`${dir}/${fd}`).catch(() => "socket:")));
  return targets.filter((target) => !target.startsWith("socket:")).length;
}
