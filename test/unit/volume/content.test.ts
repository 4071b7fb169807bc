import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { fetchContent, type CheckedContent } from "../../../src/volume/content.ts";
import type { SecretProviderClass } from "../../../src/model.ts";
import { contentOf } from "../../fakes/ports.ts";
import { anyAge, aRequest, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const beginning = "failed to mount secrets store objects for pod shop/web-0, err: ";

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
});

const vault = { ref: { namespace: "shop", name: "vault" }, provider: "azure", parameters: { keyvaultName: "kv" } };

function fetch(attributes = aRequest.attributes, changes: Partial<SecretProviderClass> = {}): Promise<CheckedContent> {
  const spc = { ...vault, secretObjects: [], ...changes };
  return fetchContent({ ...aRequest, attributes }, spc, world.ports, { freshness: anyAge, signal: noSignal });
}

describe("the provider is asked", () => {
  test("with the parameters of the class, where the pod's attributes win", async () => {
    await fetch({ tenantId: "pod" }, { parameters: { keyvaultName: "kv", tenantId: "class" } });
    expect(world.providers.requests).toEqual([{ ...pick(), parameters: { keyvaultName: "kv", tenantId: "pod" } }]);
  });

  test("without what a class claims in kubelet's name", async () => {
    const forged = { "csi.storage.k8s.io/pod.uid": "forged", "csi.storage.k8s.io/serviceAccount.tokens": "forged" };
    await fetch({ "csi.storage.k8s.io/pod.uid": "kubelet's" }, { parameters: { keyvaultName: "kv", ...forged } });
    expect(world.providers.requests[0]?.parameters).toEqual({
      keyvaultName: "kv",
      "csi.storage.k8s.io/pod.uid": "kubelet's",
    });
  });
});

describe("a fetch fails", () => {
  test.each([
    [
      "a class without a provider",
      { provider: "", parameters: { a: "b" } },
      "provider not set in secretproviderclass shop/vault: set spec.provider",
    ],
    [
      "a class without parameters",
      { provider: "azure", parameters: {} },
      "parameters not set in secretproviderclass shop/vault: set spec.parameters",
    ],
  ])("for %s", async (_name, held, message) => {
    await expect(fetch(undefined, held)).rejects.toEqual(
      new DriverError("InvalidRequest", `${beginning}${message}`, { provider: held.provider }),
    );
    expect(world.providers.requests).toEqual([]);
  });

  test("for a provider that nobody serves", async () => {
    await expect(fetch(undefined, { provider: "gcp" })).rejects.toEqual(
      new DriverError("ProviderNotFound", `${beginning}provider not found: gcp`, { provider: "gcp" }),
    );
  });

  test("for a class that names no objects", async () => {
    world.providers.answer = () => Promise.resolve({ files: [], versions: [] });
    await expect(fetch()).rejects.toEqual(
      new DriverError(
        "InvalidRequest",
        `${beginning}missing object versions: secretproviderclass shop/vault names no objects, add one under objects`,
        { provider: "azure" },
      ),
    );
  });

  test("for files that break the rules of a volume", async () => {
    const file = { path: "../x", mode: 0o644, contents: new Uint8Array() };
    world.providers.answer = () => Promise.resolve({ files: [file], versions: [{ id: "a", version: "1" }] });
    await expect(fetch()).rejects.toMatchObject({ reason: "InvalidRequest" });
  });

  test("as it is where nobody foresaw the failure", async () => {
    const failure = new Error("unforeseen");
    world.providers.answer = () => Promise.reject(failure);
    await expect(fetch()).rejects.toBe(failure);
  });
});

function pick(): object {
  const { volume, credentials } = aRequest;
  return { volume, credentials };
}

test("a volume may hold as much as the node is told, whoever provides it", async () => {
  world.providers.answer = () => Promise.resolve(contentOf({ password: "x".repeat(11) }));
  const limited = { ...world.ports, maxContentBytes: 10 };
  const asking = { freshness: anyAge, signal: noSignal };
  await expect(fetchContent(aRequest, { ...vault, secretObjects: [] }, limited, asking)).rejects.toMatchObject({
    reason: "InvalidRequest",
    message: expect.stringContaining("11 bytes, more than the limit of 10") as string,
  });
});
