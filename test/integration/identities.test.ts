import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Counters } from "../../src/emulator/tally.ts";
import { getRights } from "../../src/emulator/vault/access.ts";
import { startWorld, type PluginProcess, type PodShape, type World } from "../fakes/world.ts";

const issuer = "https://kubernetes.default.svc.cluster.local";
const audience = "api://AzureADTokenExchange";
const ten = Array.from({ length: 10 }, (_, index) => `secret-${index}`);

let world: World;
let plugin: PluginProcess;

beforeEach(async () => {
  world = await startWorld();
  for (const name of ["DemoSecret", ...ten]) vault().setSecret(name, `value of ${name}`);
  plugin = await world.startPlugin();
});
afterEach(async () => {
  await plugin.stop();
  await world.close();
});

const vault = () => world.emulator.vaults.named("demo-vault");
const subjectOf = (account: string): string => `system:serviceaccount:default:${account}`;

/** Somebody who may read demo-vault. */
function principal(): { tenantId: string; clientId: string; objectId: string } {
  const made = { tenantId: world.emulator.settings.tenantId, clientId: randomUUID(), objectId: randomUUID() };
  vault().allow(made.objectId, getRights);
  return made;
}

/** An application that trusts a service account; its client id. */
function federate(account: string): string {
  const { objectId, ...app } = principal();
  world.emulator.entra.register({ ...app, objectId });
  world.emulator.entra.federate({ ...app, issuer, subject: subjectOf(account), audience });
  return app.clientId;
}

function bind(account: string): string {
  const identity = principal();
  world.emulator.tokenProxy.bindIdentity({ ...identity, subject: subjectOf(account) });
  return identity.clientId;
}

async function mount(shape: PodShape): Promise<string> {
  await world.createPod({ credentials: "none", ...shape });
  await world.kubelet.publish(shape.pod);
  return readFile(join(await world.targetOf(shape.pod), "DemoSecret"), "utf8");
}

function objects(names: readonly string[]): string {
  return JSON.stringify({ array: names.map((objectName) => JSON.stringify({ objectName, objectType: "secret" })) });
}

const tokensOf = ({ answers }: Counters): number =>
  Object.entries(answers).reduce((sum, [what, count]) => (/POST .*token/.test(what) ? sum + count : sum), 0);

describe("each identity reads the vault", () => {
  test("workload identity: no Secret, only the pod's service account", async () => {
    const clientID = federate("web");
    expect(await mount({ pod: "web-1", serviceAccountName: "web", parameters: { clientID } })).toBe(
      "value of DemoSecret",
    );
    expect(vault().tally.counters().challenges).toBe(0);
  });
  test("workload identity by tokens in the volume context, as before Kubernetes 1.35", async () => {
    const clientID = federate("web");
    await world.createPod({ pod: "web-1", serviceAccountName: "web", parameters: { clientID }, credentials: "none" });
    await world.kubeletWith({ tokensIn: "context" }).publish("web-1");
    expect(await readFile(join(await world.targetOf("web-1"), "DemoSecret"), "utf8")).toBe("value of DemoSecret");
  });
  test("workload identity with the tenant's domain name", async () => {
    const clientID = federate("web");
    world.emulator.entra.addTenant({ id: world.emulator.settings.tenantId, domain: "contoso.onmicrosoft.com" });
    const parameters = { clientID, tenantId: "contoso.onmicrosoft.com" };
    expect(await mount({ pod: "web-1", serviceAccountName: "web", parameters })).toBe("value of DemoSecret");
  });
  test("workload identity beside the Secret of a service principal, which is not used", async () => {
    const clientID = federate("web");
    const credentials = { clientid: "nobody", clientsecret: "nothing" };
    expect(await mount({ pod: "web-1", serviceAccountName: "web", parameters: { clientID }, credentials })).toBe(
      "value of DemoSecret",
    );
  });
  test("identity binding: by the cluster's token proxy, and Entra ID itself is not asked", async () => {
    const clientID = bind("web");
    const parameters = { clientID, useAzureTokenProxy: "true" };
    expect(await mount({ pod: "web-1", serviceAccountName: "web", parameters })).toBe("value of DemoSecret");
    expect(world.emulator.entra.tally.counters().requests).toBe(0);
    expect(tokensOf(world.emulator.tokenProxy.tally.counters())).toBe(1);
  });
  test.each([
    ["the one that the system assigned", true],
    ["one that a user assigned", false],
  ])("managed identity: %s", async (_, system) => {
    const identity = principal();
    const bystander = principal();
    world.emulator.imds.assign({ ...identity, system });
    world.emulator.imds.assign({ ...bystander });
    const named: Record<string, string> = system ? {} : { userAssignedIdentityID: identity.clientId };
    const parameters = { useVMManagedIdentity: "true", clientID: "stray", ...named };
    expect(await mount({ pod: "vm", parameters })).toBe("value of DemoSecret");
    expect(world.emulator.entra.tally.counters().requests).toBe(0);
    expect(world.emulator.imds.tally.counters().requests).toBe(1);
  });
  test("managed identity, whatever a webhook has said of workload identity to the plugin itself", async () => {
    const identity = principal();
    world.emulator.imds.assign(identity);
    await plugin.stop();
    const { tenantId } = identity;
    const env = { AZURE_FEDERATED_TOKEN_FILE: "/nowhere", AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: randomUUID() };
    plugin = await world.startPlugin({ env });
    const parameters = { useVMManagedIdentity: "true", userAssignedIdentityID: identity.clientId };
    expect(await mount({ pod: "vm", parameters })).toBe("value of DemoSecret");
    expect(world.emulator.imds.tally.counters().requests).toBe(1);
  });
  test("pod identity: what aad-pod-identity has bound to the pod", async () => {
    world.emulator.nmi.bind({ ...principal(), namespace: "default", podName: "bound" });
    expect(await mount({ pod: "bound", parameters: { usePodIdentity: "true", clientID: "stray" } })).toBe(
      "value of DemoSecret",
    );
    expect(world.emulator.nmi.tally.counters().requests).toBe(1);
  });
  test("an application of AD FS", async () => {
    const { emulator } = world;
    const app = { tenantId: "adfs", clientId: randomUUID(), objectId: randomUUID(), clientSecret: "adfs-secret" };
    const stack = emulator.vaults.create("third-vault", "adfs");
    stack.allow(app.objectId, getRights);
    stack.setSecret("DemoSecret", "of the stack");
    emulator.entra.register(app);
    const credentials = { clientid: app.clientId, clientsecret: app.clientSecret };
    expect(
      await mount({ pod: "stack", parameters: { tenantId: "adfs", keyvaultName: "third-vault" }, credentials }),
    ).toBe("of the stack");
  });
});

describe("a storm of 100 pods with 10 secrets each, and a service account token of each one's own", () => {
  test.each([
    ["workload identity", {}],
    ["identity binding", { useAzureTokenProxy: "true" }],
  ])("%s costs 10 reads and one token", async (name, parameters) => {
    const clientID = name === "workload identity" ? federate("web") : bind("web");
    const pods = Array.from({ length: 100 }, (_, index) => `storm-${index}`);
    for (const pod of pods)
      await world.createPod({
        ...{ pod, className: "storm", objects: objects(ten), credentials: "none", serviceAccountName: "web" },
        parameters: { clientID, ...parameters },
      });
    const startedAt = Date.now();
    const waiting = pods.values();
    const kubeletThread = async (): Promise<void> => {
      for (const pod of waiting) await world.kubelet.publish(pod);
    };
    await Promise.all(Array.from({ length: 30 }, kubeletThread));
    // Answers are shared for 2 s: on a slow machine each object may be read once more for every 2 s that it took.
    const ages = Math.ceil((Date.now() - startedAt) / 2_000);
    const { entra, tokenProxy } = world.emulator;
    const { requests, challenges } = vault().tally.counters();
    expect(challenges).toBe(0);
    expect(requests).toBeLessThanOrEqual(10 * ages);
    expect(tokensOf(entra.tally.counters()) + tokensOf(tokenProxy.tally.counters())).toBe(1);
    expect(entra.tally.counters().requests + tokenProxy.tally.counters().requests).toBeLessThanOrEqual(3);
    expect(await readFile(join(await world.targetOf("storm-99"), "secret-9"), "utf8")).toBe("value of secret-9");
  });
});

describe("who does not prove an identity never joins its answers", () => {
  let clientID: string;
  /** A pod of the service account `web` is just being served. */
  beforeEach(async () => {
    clientID = federate("web");
    await mount({ pod: "web-1", serviceAccountName: "web", parameters: { clientID } });
    world.emulator.entra.tally.reset();
    vault().tally.reset();
  });
  /** Nobody was asked in its name, or Entra ID was, and refused. */
  async function refused(shape: Partial<PodShape>, message: string, tokens: object = {}): Promise<void> {
    await world.createPod({
      ...{ pod: "other", serviceAccountName: "web", parameters: { clientID }, credentials: "none" },
      ...shape,
    });
    await expect(world.kubeletWith(tokens).publish("other")).rejects.toThrow(message);
    expect(vault().tally.counters().requests).toBe(0);
  }

  test("a pod of another service account asks Entra ID itself, and is told what to add", async () => {
    await refused(
      { serviceAccountName: "admin" },
      `ERROR CODE: AADSTS700213. No federated credential of the application fits: add one with issuer ${issuer}, subject ${subjectOf("admin")} and audience ${audience}`,
    );
    // Once for the resource that a cloud of a file is taken to have, once for the one that the vault names.
    expect(tokensOf(world.emulator.entra.tally.counters())).toBe(2);
  });
  test("a token that has expired", async () => {
    await refused({}, `token for audience ${audience} has expired: kubelet hands over a new one`, {
      tokenLifetimeS: -10,
    });
    expect(world.emulator.entra.tally.counters().requests).toBe(0);
  });
  test("a token for another audience alone", async () => {
    const tokens = { audiences: ["api://AKSIdentityBinding"] };
    await refused({}, `token for audience ${audience} not found`, tokens);
    expect(world.emulator.entra.tally.counters().requests).toBe(0);
  });
  test("a pod that writes a token of its own into its volumeAttributes: kubelet's is used", async () => {
    const forged = JSON.stringify({ [audience]: { token: "e30.e30.x" } });
    const attributes = { "csi.storage.k8s.io/serviceAccount.tokens": forged };
    await world.createPod({
      ...{ pod: "forger", serviceAccountName: "web", parameters: { clientID }, credentials: "none", attributes },
    });
    for (const tokensIn of ["secrets", "context"] as const) {
      await world.kubeletWith({ tokensIn }).publish("forger");
      await world.kubelet.unpublish("forger");
    }
  });
  test("a pod that names another service account in its volumeAttributes is who it is", async () => {
    const attributes = { "csi.storage.k8s.io/serviceAccount.name": "web" };
    await refused({ serviceAccountName: "admin", attributes }, `subject ${subjectOf("admin")}`);
  });
  test("the same account in another way: identity binding has an identity of its own", async () => {
    await refused(
      { parameters: { clientID, useAzureTokenProxy: "true" } },
      "The token proxy refused the sign-in: check clientID, bind that managed identity to this cluster, and let service account default/web use it",
    );
  });
});

test("600 volumes of invented identities and vaults do not fill the memory that the image gives", async () => {
  await plugin.stop();
  plugin = await world.startPlugin({ env: { NODE_OPTIONS: "--max-old-space-size=64 --max-semi-space-size=1" } });
  const pods = Array.from({ length: 600 }, (_, index) => `invented-${index}`).values();
  let clientID = randomUUID();
  const codes = new Set<unknown>();
  const invent = async (): Promise<void> => {
    for (const pod of pods) {
      if (pod.endsWith("0")) clientID = randomUUID();
      const parameters = { clientID, keyvaultName: `kv-${randomUUID().slice(0, 8)}` };
      await world.createPod({ pod, parameters, credentials: "none", serviceAccountName: "web" });
      await world.kubelet.publish(pod).catch((error: unknown) => codes.add((error as { code?: number }).code));
    }
  };
  await Promise.all(Array.from({ length: 60 }, invent));
  // It is alive, and told each of them no (or that the vault does not resolve).
  expect([...codes].every((code) => code === 7 || code === 14)).toBe(true);
  const good = { pod: "web-1", serviceAccountName: "web", parameters: { clientID: federate("web") } };
  // A resolver that does not answer may be busy with the invented names for a while.
  await expect.poll(() => mount(good).catch(String), { timeout: 60_000 }).toBe("value of DemoSecret");
}, 240_000);

describe("what goes wrong is told with what to do", () => {
  test.each([500, 503])(
    "one %i of the token service is over when it is over: the next attempt succeeds",
    async (status) => {
      const parameters = { clientID: federate("web") };
      world.emulator.entra.misbehave({ kind: "refuse", status, method: "POST", requests: 1, retryAfterS: 3600 });
      const pod = { pod: "web-1", serviceAccountName: "web", parameters };
      await expect(mount(pod)).rejects.toThrow("Entra ID is out of order; the next attempt comes by itself");
      expect(await mount(pod)).toBe("value of DemoSecret");
    },
  );
  test.each(["common", "organizations", ".."])("the tenant %s is none", async (tenantId) => {
    const parameters = { clientID: federate("web"), tenantId };
    await expect(mount({ pod: "web-1", serviceAccountName: "web", parameters })).rejects.toThrow(
      "failed to get keyvault client: invalid tenantID. You can locate your tenantID",
    );
  });
  test("line breaks in a parameter make no lines in what the user reads", async () => {
    const clientID = `${bind("web")}\nFake: line`;
    const shape = { pod: "web-1", serviceAccountName: "web", parameters: { clientID, useAzureTokenProxy: "true" } };
    const told = await mount(shape).catch((error: unknown) => String(error));
    expect(told).toContain("\\u000aFake: line");
    expect(told.split("\n")).toHaveLength(1);
  });
  test("the CA of the token proxy is renewed: nobody notices", async () => {
    const clientIDs = [bind("web"), bind("web")] as const;
    const [first, second] = clientIDs.map((clientID) => ({ clientID, useAzureTokenProxy: "true" }));
    await mount({ pod: "before", serviceAccountName: "web", parameters: { ...first } });
    const ca = await world.emulator.tokenProxy.renewAuthority();
    await writeFile(join(world.dir, "emulator/serviceaccount/ca.crt"), ca);
    expect(await mount({ pod: "after", serviceAccountName: "web", parameters: { ...second } })).toBe(
      "value of DemoSecret",
    );
  });
  test("a node without an identity", async () => {
    await expect(mount({ pod: "vm", parameters: { useVMManagedIdentity: "true" } })).rejects.toThrow(
      "ManagedIdentityCredential authentication failed: metadata service: RESPONSE 400: 400 Bad Request. The node has no identity assigned by the system: assign one, or name another by userAssignedIdentityID",
    );
  });
  test("a node whose identity the vault refuses: the metadata service is asked for another token, once", async () => {
    const { objectId, ...identity } = principal();
    world.emulator.imds.assign({ ...identity, objectId, system: true });
    vault().allow(objectId, {});
    await expect(mount({ pod: "vm", parameters: { useVMManagedIdentity: "true" } })).rejects.toThrow("AccessDenied");
    expect(world.emulator.imds.tally.counters().requests).toBe(2);
  });
  test("a pod that nothing is bound to", async () => {
    await expect(mount({ pod: "unbound", parameters: { usePodIdentity: "true" } })).rejects.toThrow(
      "objectName:DemoSecret, objectVersion:: nmi response failed with status code: 404, response body: (not shown): check that an AzureIdentityBinding selects the pod",
    );
  });
  test("two pods of pod identity do not share: each one's binding is asked for", async () => {
    world.emulator.nmi.bind({ ...principal(), namespace: "default", podName: "bound" });
    const parameters = { usePodIdentity: "true" };
    await mount({ pod: "bound", parameters });
    await expect(mount({ pod: "unbound", parameters })).rejects.toThrow("nmi response failed with status code: 404");
  });
});
