import { once } from "node:events";
import { Agent, createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../../src/emulator/ca.ts";
import { createWatches } from "../../../src/kube/watches.ts";
import type { KubernetesObject } from "../../../src/release-model.ts";
import type { Watches } from "../../../src/release-ports.ts";

const object: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "plugin", namespace: "kube-system" },
};

let server: Server;
let agent: Agent;
let watches: Watches;
let arrived: { request: IncomingMessage; response: ServerResponse }[];
let counted: string[];
let heard: number;

beforeEach(async () => {
  const authority = await createAuthority();
  arrived = [];
  counted = [];
  heard = 0;
  server = createServer(await authority.issue(["127.0.0.1"]), (request, response) => {
    arrived.push({ request, response });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  agent = new Agent({ ca: authority.pem, keepAlive: true });
  const { port } = server.address() as AddressInfo;
  const body = { resources: [{ name: "daemonsets", kind: "DaemonSet" }] };
  const metrics = {
    kubernetesRequest: ({ verb, resource, code }: { verb: string; resource: string; code: number }) => {
      if (verb === "watch") counted.push(`${resource} ${code}`);
    },
  };
  watches = createWatches({
    access: {
      server: new URL(`https://127.0.0.1:${port}`),
      authorize: () => Promise.resolve({ agent, headers: { authorization: "Bearer t" } }),
    },
    cluster: { api: { call: () => Promise.resolve({ status: 200, body }) }, metrics },
    userAgent: "test",
    pauseMs: { ended: 1, refused: 1 },
  });
});

afterEach(async () => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

function follow(): { stop(): void } {
  return watches.follow(object, () => {
    heard++;
  });
}

async function nth(number: number): Promise<(typeof arrived)[number]> {
  await expect.poll(() => arrived[number - 1]).toBeDefined();
  const found = arrived[number - 1];
  if (found === undefined) throw new Error("nobody asked");
  return found;
}

describe("a watch", () => {
  test("asks for one object, by its name, so that the right can be limited to it", async () => {
    const watch = follow();
    const { request } = await nth(1);
    expect(request.url).toBe(
      "/apis/apps/v1/namespaces/kube-system/daemonsets?watch=true&fieldSelector=metadata.name%3Dplugin&resourceVersion=0&timeoutSeconds=240",
    );
    expect(request.headers).toMatchObject({ authorization: "Bearer t", "user-agent": "test" });
    watch.stop();
  });

  test("hears of each change, and begins again when the API server ends it", async () => {
    const watch = follow();
    const first = await nth(1);
    first.response.write('{"type":"ADDED"}\n');
    await expect.poll(() => heard).toBe(2);
    first.response.write('{"type":"MODIFIED"}\n');
    await expect.poll(() => heard).toBe(3);
    first.response.end();
    const second = await nth(2);
    second.response.write('{"type":"DELETED"}\n');
    await expect.poll(() => heard).toBe(5);
    expect(counted).toEqual(["daemonsets.apps 200", "daemonsets.apps 200"]);
    watch.stop();
  });

  test("that begins is heard of: what was deleted before is told by none", async () => {
    const watch = follow();
    const { response } = await nth(1);
    response.flushHeaders();
    await expect.poll(() => heard).toBe(1);
    watch.stop();
  });

  test("that is refused is heard of nothing, and tried again", async () => {
    const watch = follow();
    const { response } = await nth(1);
    response.writeHead(403).end('{"kind":"Status"}');
    await nth(2);
    expect(heard).toBe(0);
    expect(counted[0]).toBe("daemonsets.apps 403");
    watch.stop();
  });

  test("whose connection breaks is begun again", async () => {
    const watch = follow();
    const { request } = await nth(1);
    request.socket.destroy();
    await nth(2);
    watch.stop();
  });

  test("that is stopped ends its connection, and hears nothing more", async () => {
    const watch = follow();
    const { request, response } = await nth(1);
    response.write('{"type":"ADDED"}\n');
    await expect.poll(() => heard).toBe(2);
    const closed = once(request.socket, "close");
    watch.stop();
    await closed;
    expect(arrived).toHaveLength(1);
  });
});
