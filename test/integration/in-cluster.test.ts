import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAuthority, type CertificateAuthority } from "../../src/emulator/ca.ts";
import type { ClusterAccess } from "../../src/kube/access.ts";
import { createInClusterAccess } from "../../src/kube/in-cluster.ts";

let dir: string;
let authority: CertificateAuthority;
let server: Server;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "service-account-"));
  authority = await createAuthority();
  await writeFile(join(dir, "token"), "token");
  await writeFile(join(dir, "ca.crt"), authority.pem);
  server = createServer(await authority.issue(["127.0.0.1"]), (_, response) => response.end("{}"));
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await rm(dir, { recursive: true });
});

function open(idleLimitMs?: number): ClusterAccess {
  const port = String((server.address() as AddressInfo).port);
  return createInClusterAccess({
    host: "127.0.0.1",
    port,
    serviceAccountDir: dir,
    ...(idleLimitMs && { idleLimitMs }),
  });
}

async function ask(access: ClusterAccess): Promise<number | undefined> {
  const sent = request(access.server, await access.authorize()).end();
  const [response] = (await once(sent, "response")) as [{ statusCode?: number; resume(): void }];
  response.resume();
  await once(sent, "close");
  return response.statusCode;
}

function connections(): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((_, count) => {
      resolve(count);
    });
  });
}

test("who does not have a certificate of the pod's CA is not the API server, from the moment that the CA is another", async () => {
  const access = open();
  expect(await ask(access)).toBe(200);
  await writeFile(join(dir, "ca.crt"), (await createAuthority()).pem);
  await expect(ask(access)).rejects.toThrow(/signature|certificate/);
  await writeFile(join(dir, "ca.crt"), authority.pem);
  expect(await ask(access)).toBe(200);
});

test("a connection serves one request after the other", async () => {
  const access = open();
  for (let n = 0; n < 3; n += 1) await ask(access);
  expect(await connections()).toBe(1);
});

test("what a storm opened is closed when nothing comes over it any more", async () => {
  const access = open(50);
  await Promise.all(Array.from({ length: 8 }, () => ask(access)));
  await vi.waitFor(async () => {
    expect(await connections()).toBe(0);
  });
  expect(await ask(access)).toBe(200);
});
