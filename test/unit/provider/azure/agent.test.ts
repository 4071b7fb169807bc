import { once } from "node:events";
import { get, type Agent } from "node:https";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAgent } from "../../../../src/provider/azure/agent.ts";
import { parseProxy } from "../../../../src/provider/azure/proxy.ts";

let server: Server;
let port: number;
const sockets: Socket[] = [];
let received: string;
beforeEach(async () => {
  received = "";
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined).on("data", (chunk) => (received += chunk.toString("latin1")));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

function agentOf(url: string): Agent {
  return createAgent(parseProxy({ HTTPS_PROXY: url }));
}

function agentThrough(noProxy = "", limitMs?: number): Agent {
  return createAgent(parseProxy({ HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: noProxy }), limitMs);
}

function ask(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    get(url, { agent }).on("error", ({ code }: NodeJS.ErrnoException) => {
      resolve(String(code));
    });
  });
}

test("through a proxy the name goes to the proxy as it is", async () => {
  void ask("https://kv1.example.invalid/", agentThrough());
  await vi.waitFor(() => {
    expect(received).toContain("CONNECT kv1.example.invalid:443 HTTP/1.1\r\n");
  }, 30_000);
});

test("around the proxy the name is looked up here", async () => {
  expect(await ask("https://kv1.example.invalid/", agentThrough("example.invalid"))).toMatch(/ENOTFOUND|EAI_AGAIN/);
  expect(received).toBe("");
});

test("around the proxy TLS begins at once", async () => {
  void ask(`https://localhost:${port}/`, agentThrough());
  await vi.waitFor(() => {
    expect(received.charCodeAt(0)).toBe(0x16);
  }, 30_000);
});

test("a proxy that does not answer is left in time, and its connection closed", async () => {
  expect(await ask("https://kv1.example.invalid/", agentThrough("", 50))).toBe("PROXY_TUNNEL");
  await vi.waitFor(() => {
    expect(sockets.map((socket) => socket.readyState)).not.toContain("open");
  }, 30_000);
});

test("so is one that connects and then keeps silent", async () => {
  server.on("connection", (socket) => socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\n")));
  expect(await ask("https://kv1.example.invalid/", agentThrough("", 100))).toBe("PROXY_TUNNEL");
}, 30_000);

test.each([createAgent(undefined), agentOf("http://user:hunter2@proxy:3128")])(
  "it tells nothing of itself",
  (agent) => {
    expect(JSON.stringify({ agent })).toBe('{"agent":"agent"}');
  },
);
