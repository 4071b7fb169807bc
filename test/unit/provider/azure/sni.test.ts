import { createServer, type Server } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { readClusterId, sniOf } from "../../../../src/provider/azure/sni.ts";
import { startFakeApiServer, type FakeApiServer } from "../../../fakes/token-proxy.ts";

describe("sniOf()", () => {
  test.each([
    ["696995ccb303450001b31a18", "aeaf29ip1hi5q38ebc3u4daum81u0unk52t5bg50j25234fmuj78g.ests.aks"],
    ["abc123def456", "avimke6u6l2eeq8qc1cneuaq4sl2e1av9t4clqgun97le32hub670.ests.aks"],
  ])("of cluster %s is %s", (id, name) => {
    expect(sniOf(id)).toBe(name);
  });
  test("is a label of 53 digits of base32hex that hold the whole digest", () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        const [, label = ""] = /^a([0-9a-v]{52})\.ests\.aks$/.exec(sniOf(id)) ?? [];
        const bits = (label.match(/./g) ?? [])
          .map((digit) => parseInt(digit, 32).toString(2).padStart(5, "0"))
          .join("");
        const hex = (bits.slice(0, 256).match(/.{4}/g) ?? []).map((four) => parseInt(four, 2).toString(16)).join("");
        expect(hex).toBe(createHash("sha256").update(`identity-binding${id}`).digest("hex"));
      }),
    );
  });
});

describe("readClusterId()", () => {
  let server: FakeApiServer | Server | undefined;
  afterEach(async () => {
    if (server !== undefined) await ("stop" in server ? server.stop() : server[Symbol.asyncDispose]());
    server = undefined;
  });
  const begin = "extract cluster ID from API server certificate: ";
  async function read(names: readonly string[]): Promise<string> {
    const started = await startFakeApiServer([...names, "localhost"]);
    server = started;
    return readClusterId({ host: "localhost", port: started.port, ca: started.authority.pem });
  }

  test("finds it among the names in the certificate", async () => {
    expect(await read(["kubernetes.default", "hcp-kubernetes.abc123def456.svc.cluster.local"])).toBe("abc123def456");
  });
  test.each([
    [["kubernetes.default"], "cluster ID SAN not found in API server certificate (use --sni-name flag to provide"],
    [["hcp-kubernetes.abc.svc.other.local"], "cluster ID SAN not found in API server certificate"],
    [["hcp-kubernetes..svc.cluster.local"], 'empty cluster ID in SAN "hcp-kubernetes..svc.cluster.local"'],
  ])("a certificate for %j has none", async (names, complaint) => {
    await expect(read(names)).rejects.toMatchObject({
      reason: "ProviderError",
      message: expect.stringContaining(begin + complaint) as string,
    });
  });
  test("an API server of another authority is not believed", async () => {
    const [started, other] = [await startFakeApiServer(["localhost"]), await startFakeApiServer(["localhost"])];
    await other.stop();
    server = started;
    const asked = readClusterId({ host: "localhost", port: started.port, ca: other.authority.pem });
    await expect(asked).rejects.toThrow(`${begin}TLS connect to API server: `);
  });
  test("nobody there is told by the code", async () => {
    const asked = readClusterId({ host: "localhost", port: 1, ca: undefined });
    await expect(asked).rejects.toThrow(`${begin}TLS connect to API server: ECONNREFUSED`);
  });
  test("a server that hangs up is told", async () => {
    const deaf = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    server = deaf;
    await once(deaf, "listening");
    const asked = readClusterId({ host: "localhost", port: (deaf.address() as AddressInfo).port, ca: undefined });
    await expect(asked).rejects.toThrow(`${begin}TLS connect to API server: `);
  });
});
