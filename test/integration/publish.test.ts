import { execFileSync } from "node:child_process";
import { createPublicKey, X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { secretObject, startWorld, type PluginProcess, type World } from "../fakes/world.ts";

const isRealRoot = (await readFile("/proc/self/uid_map", "utf8")).trim().split(/\s+/).join(" ") === "0 0 4294967295";

describe("the built program, an emulated Azure and Kubernetes, a kubelet", () => {
  let world: World;
  let plugin: PluginProcess;

  beforeAll(async () => {
    world = await startWorld();
    const vault = world.emulator.vaults.named("demo-vault");
    vault.setSecret("DemoSecret", "MyExampleSecret");
    await vault.createKey("rsa", { kty: "RSA-HSM" });
    await vault.createKey("ec", { kty: "EC", curve: "P-521" });
    await vault.createCertificate("cert", { subject: "CN=test.domain.com", key: "P-256" });
    plugin = await world.startPlugin();
  });
  afterAll(async () => {
    expect(await plugin.stop()).toBe(0);
    await world.close();
  });

  const vaultRequests = () => world.emulator.vaults.named("demo-vault").tally.counters().requests;
  const read = async (pod: string, file: string) => readFile(join(await world.targetOf(pod), file));

  test("a secret is a file of that name, byte for byte, with mode 0644", async () => {
    await world.createPod({ pod: "plain" });
    const [target = ""] = await world.kubelet.publish("plain");
    expect((await read("plain", "DemoSecret")).toString()).toBe("MyExampleSecret");
    expect((await stat(join(target, "DemoSecret"))).mode & 0o777).toBe(0o644);
  });

  test("keys and certificates are PEM that node:crypto takes, and versions are reported", async () => {
    const objects = [
      "- |\n    objectName: rsa\n    objectType: key",
      "- |\n    objectName: ec\n    objectType: key\n    objectAlias: keys/ec.pem",
      "- |\n    objectName: cert\n    objectType: cert",
    ];
    await world.createPod({ pod: "pem", objects: `array:\n  ${objects.join("\n  ")}\n` });
    await world.kubelet.publish("pem");
    expect(createPublicKey(await read("pem", "rsa")).asymmetricKeyType).toBe("rsa");
    expect(createPublicKey(await read("pem", "keys/ec.pem")).asymmetricKeyDetails?.namedCurve).toBe("secp521r1");
    expect(new X509Certificate(await read("pem", "cert")).subject).toBe("CN=test.domain.com");
    const status = await world.podStatus("pem");
    expect(status?.["objects"]).toEqual([
      { id: "cert/cert", version: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
      { id: "key/ec", version: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
      { id: "key/rsa", version: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    ]);
  });

  test("version, alias, encoding and permission of an object are honoured", async () => {
    const vault = world.emulator.vaults.named("demo-vault");
    const first = vault.setSecret("Encoded", Buffer.from([0, 1, 254, 255]).toString("base64"));
    vault.setSecret("Encoded", "not base64");
    const object = secretObject("Encoded", {
      objectVersion: first,
      objectAlias: "dir/raw.bin",
      objectEncoding: "base64",
      filePermission: "0600",
    });
    await world.createPod({ pod: "fields", objects: object });
    const [target = ""] = await world.kubelet.publish("fields");
    expect([...(await read("fields", "dir/raw.bin"))]).toEqual([0, 1, 254, 255]);
    expect((await stat(join(target, "dir/raw.bin"))).mode & 0o777).toBe(0o600);
  });

  test("the objects of one volume are fetched in parallel", async () => {
    const vault = world.emulator.vaults.named("demo-vault");
    const names = Array.from({ length: 8 }, (_, index) => `Many${index}`);
    for (const name of names) vault.setSecret(name, name);
    vault.tally.reset();
    vault.setLatency(50);
    const objects = `array:\n${names.map((name) => `  - |\n    objectName: ${name}\n    objectType: secret`).join("\n")}\n`;
    await world.createPod({ pod: "parallel", objects });
    await world.kubelet.publish("parallel");
    vault.setLatency(0);
    expect(vault.tally.counters().peakInFlight).toBe(8);
  });

  test("a republish of a populated volume costs no request to vault, token service or Kubernetes", async () => {
    await world.createPod({ pod: "again" });
    await world.kubelet.publish("again");
    const asked = () => [vaultRequests(), world.emulator.entra.tally.counters().requests, podStatusRequests()];
    const podStatusRequests = () =>
      Object.entries(world.emulator.kubernetes.tally.counters().answers).filter(([request]) =>
        request.includes("secretprovider"),
      ).length;
    const before = asked();
    await world.kubelet.publish("again");
    expect(asked()).toEqual(before);
  });

  test("a mount that a crash left without content is filled and not replaced", async () => {
    await world.createPod({ pod: "empty-mount" });
    const [target = ""] = await world.kubelet.publish("empty-mount");
    await world.kubelet.unpublish("empty-mount");
    execFileSync("mkdir", ["-p", target]);
    execFileSync("mount", ["-t", "tmpfs", "left-by-a-crash", target]);
    await world.kubelet.publish("empty-mount");
    expect((await read("empty-mount", "DemoSecret")).toString()).toBe("MyExampleSecret");
    expect((await world.mounts()).filter((line) => line.includes(target))).toEqual([
      expect.stringContaining("left-by-a-crash"),
    ]);
    await world.kubelet.unpublish("empty-mount");
  });

  test("a status that could not be written is owed: the pod runs, and the next publish pays", async () => {
    await world.createPod({ pod: "owed" });
    const { failPlugin } = world.emulator.kubernetes;
    const statuses = world.emulator.kubernetes.objects;
    // The class is read first; only then the API server goes away.
    world.emulator.vaults.named("demo-vault").setLatency(200);
    const publishing = world.kubelet.publish("owed");
    await untilAsked("GET /apis/secrets-store.csi.x-k8s.io/v1/namespaces/default/secretproviderclasses/owed 200");
    failPlugin(503);
    await publishing;
    world.emulator.vaults.named("demo-vault").setLatency(0);
    expect(
      statuses.get({ plural: "secretproviderclasspodstatuses", namespace: "default", name: "owed-default-owed" }),
    ).toBeUndefined();
    failPlugin(0);
    await world.kubelet.publish("owed");
    expect(await world.podStatus("owed")).toMatchObject({ podName: "owed", mounted: true });
  });

  async function untilAsked(request: string): Promise<void> {
    while (world.emulator.kubernetes.tally.counters().answers[request] === undefined)
      await new Promise((resolve) => setImmediate(resolve));
  }

  test("service account tokens may come in the context as well as in the secrets field", async () => {
    await world.createPod({ pod: "context-tokens" });
    await world.kubeletWith({ tokensIn: "context" }).publish("context-tokens");
    expect((await read("context-tokens", "DemoSecret")).toString()).toBe("MyExampleSecret");
  });

  const reason = isRealRoot ? "" : " (skipped: foreign groups need real root)";
  test.skipIf(!isRealRoot)(`files belong to the group of the pod's fsGroup${reason}`, async () => {
    await world.createPod({
      pod: "group",
      fsGroup: 4242,
      objects: secretObject("DemoSecret", { filePermission: "0640" }),
    });
    const [target = ""] = await world.kubelet.publish("group");
    const { gid, mode } = await stat(join(target, "DemoSecret"));
    expect([gid, mode & 0o777]).toEqual([4242, 0o640]);
  });

  test("a plugin that was restarted knows its volumes again, and unpublishes them", async () => {
    await world.createPod({ pod: "restart" });
    await world.kubelet.publish("restart");
    expect(await plugin.stop()).toBe(0);
    plugin = await world.startPlugin();
    expect((await read("restart", "DemoSecret")).toString()).toBe("MyExampleSecret");
    const before = vaultRequests();
    await world.kubelet.publish("restart");
    expect(vaultRequests()).toBe(before);
    await world.kubelet.unpublish("restart");
    await world.kubelet.unpublish("restart");
    expect((await world.mounts()).filter((line) => line.includes("restart"))).toEqual([]);
  });

  test("unpublish leaves no mount and no directory of any pod", async () => {
    for (const pod of ["plain", "pem", "fields", "parallel", "again", "owed", "context-tokens"])
      await world.kubelet.unpublish(pod);
    if (isRealRoot) await world.kubelet.unpublish("group");
    expect(await world.mounts()).toEqual([]);
    for (const pod of await readdir(join(world.kubeletRoot, "pods")))
      expect(await readdir(join(world.kubeletRoot, "pods", pod, "volumes/kubernetes.io~csi"))).toEqual([]);
  });
});
