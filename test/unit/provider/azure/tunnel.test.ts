import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type LookupFunction, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openAuthority } from "../../../../src/emulator/ca.ts";
import { createLookup } from "../../../../src/provider/azure/lookup.ts";
import { parseProxy } from "../../../../src/provider/azure/proxy.ts";
import { openTunnel } from "../../../../src/provider/azure/tunnel.ts";

const established = "HTTP/1.1 200 Connection established\r\n\r\n";
const servers: Server[] = [];
/** Names that were looked up here. */
const lookedUp: string[] = [];
/** Connections that the proxy still has. */
const open = new Set<Socket>();
const before = getCACertificates("default");
let dir: string;
let authority: Awaited<ReturnType<typeof openAuthority>>;
beforeEach(async () => {
  lookedUp.length = 0;
  dir = await mkdtemp(join(tmpdir(), "tunnel-"));
  authority = await openAuthority(dir);
  setDefaultCACertificates([authority.pem]);
});
afterEach(async () => {
  for (const socket of open) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  setDefaultCACertificates(before);
  await rm(dir, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A proxy that does this when it has read a request for a tunnel; what it read comes along. */
function answering(answer: (client: Socket, request: string) => void): (client: Socket) => void {
  return (client) => {
    open.add(client);
    client.on("error", () => undefined).on("close", () => open.delete(client));
    client.once("data", (request) => {
      answer(client, request.toString());
    });
  };
}

async function plainProxy(answer: (client: Socket, request: string) => void, credentials = ""): Promise<string> {
  return `http://${credentials}127.0.0.1:${await listen(createServer(answering(answer)))}`;
}

async function tlsProxy(name: string, answer: (client: Socket, request: string) => void): Promise<string> {
  return `https://localhost:${await listen(createTlsServer(await authority.issue([name]), answering(answer)))}`;
}

function tunnel(url: string, limitMs = 5_000, host = "kv1.example"): ReturnType<typeof openTunnel> {
  const proxy = parseProxy({ HTTPS_PROXY: url });
  if (proxy === undefined) throw new Error("there is a proxy");
  const lookup: LookupFunction = (name, options, done) => {
    lookedUp.push(name);
    createLookup()(name, options, done);
  };
  return openTunnel({ host, port: 443, servername: host }, { proxy, lookup, limitMs });
}

async function expectAllClosed(): Promise<void> {
  await vi.waitFor(() => {
    expect(open.size).toBe(0);
  }, 30_000);
}

describe("openTunnel()", () => {
  test("asks for host and port, with user and password, and speaks TLS with the host behind", async () => {
    const target = createTlsServer(await authority.issue(["kv1.example"]), (socket) => socket.end("behind"));
    let asked = "";
    const url = await plainProxy((client, request) => {
      asked = request;
      client.write(established);
      target.emit("connection", client);
    }, "us%20er:pass@");
    const secure = await tunnel(url);
    const [told] = (await once(secure, "data")) as [Buffer];
    expect(told.toString()).toBe("behind");
    expect(asked).toMatch(/^CONNECT kv1\.example:443 HTTP\/1\.1\r\nhost: kv1\.example:443\r\n/);
    expect(asked).toContain(`\r\nproxy-authorization: Basic ${Buffer.from("us er:pass").toString("base64")}\r\n`);
    expect(asked).not.toMatch(/connection: close/i);
    secure.destroy();
    await expectAllClosed();
  });

  test("an IPv6 address is asked for in brackets", async () => {
    let asked = "";
    const url = await plainProxy((client, request) => {
      asked = request;
      client.destroy();
    });
    await expect(tunnel(url, 5_000, "fd00::1")).rejects.toThrow();
    expect(asked).toMatch(/^CONNECT \[fd00::1\]:443 /);
  });

  test.each([403, 407, 502])(
    "HTTP %i is told, and the connection closed although the proxy keeps it",
    async (status) => {
      const url = await plainProxy((client) => client.write(`HTTP/1.1 ${status} hunter2\r\nContent-Length: 0\r\n\r\n`));
      await expect(tunnel(url)).rejects.toMatchObject({ code: "PROXY_TUNNEL", message: `HTTP ${status}` });
      await expectAllClosed();
    },
  );

  test.each<[string, (client: Socket) => unknown]>([
    ["no HTTP", (client) => client.write("SSH-2.0-OpenSSH_9.9\r\n")],
    ["nothing, and hangs up", (client) => client.end()],
    ["nothing, and breaks off", (client) => client.resetAndDestroy()],
    ["half a header, and hangs up", (client) => client.end("HTTP/1.1 200 Conn")],
    ["a header without end", (client) => client.write(`HTTP/1.1 200 OK\r\nX: ${"hunter2".repeat(10_000)}`)],
  ])("an answer that is %s is a tunnel refused, and nothing of it is told", async (_, answer) => {
    const url = await plainProxy(answer);
    const error: unknown = await tunnel(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "PROXY_TUNNEL" });
    expect(String(error)).not.toContain("hunter2");
    await expectAllClosed();
  });

  test("an answer that comes byte by byte is read, without a listener for each", async () => {
    const target = createTlsServer(await authority.issue(["kv1.example"]));
    const warned = vi.fn();
    process.on("warning", warned);
    const url = await plainProxy((client) => {
      client.setNoDelay();
      void dribble(client, established).then(() => target.emit("connection", client));
    });
    (await tunnel(url)).destroy();
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
    await expectAllClosed();
  });

  test.each<[string, (client: Socket) => unknown]>([
    ["answers nothing", () => undefined],
    ["connects, and then keeps silent", (client) => client.write(established)],
  ])("a proxy that %s is left in time", async (_, answer) => {
    await expect(tunnel(await plainProxy(answer), 100)).rejects.toMatchObject({ code: "PROXY_TUNNEL" });
    await expectAllClosed();
  });

  test("a proxy that breaks off within the tunnel is a broken connection", async () => {
    const url = await plainProxy((client) => {
      client.write(established);
      client.once("data", () => client.destroy());
    });
    await expect(tunnel(url)).rejects.toMatchObject({ code: "ECONNRESET" });
    await expectAllClosed();
  });

  test("a certificate behind the proxy that is not trusted is that of the host", async () => {
    const target = createTlsServer(await authority.issue(["other.example"]));
    const url = await plainProxy((client) => {
      client.write(established);
      target.emit("connection", client);
    });
    await expect(tunnel(url)).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    await expectAllClosed();
  });
});

describe("a proxy by TLS", () => {
  test("its own certificate that is not trusted is told as that", async () => {
    const url = await tlsProxy("other.example", () => undefined);
    await expect(tunnel(url)).rejects.toMatchObject({ code: "PROXY_TLS", message: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  test("that speaks no TLS is told", async () => {
    const url = await plainProxy((client) => client.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await expect(tunnel(url.replace("http://127.0.0.1", "https://localhost"))).rejects.toMatchObject({
      code: "PROXY_TLS",
    });
  });

  test("is looked up here, and the host behind it is not", async () => {
    const url = await tlsProxy("localhost", (client) => client.end("HTTP/1.1 502 no\r\n\r\n"));
    await expect(tunnel(url)).rejects.toMatchObject({ message: "HTTP 502" });
    expect(lookedUp).toEqual(["localhost"]);
  });

  test("gets none of its TLS sessions offered behind the tunnel, where it could answer as the host", async () => {
    const hellos: Buffer[] = [];
    const url = await tlsProxy("localhost", (client) => {
      client.write(established);
      client.once("data", (hello) => {
        hellos.push(hello);
        client.destroy();
      });
    });
    await expect(tunnel(url)).rejects.toThrow();
    await expect(tunnel(url)).rejects.toThrow();
    // One that offers a session is longer.
    expect(hellos[1]?.length).toBe(hellos[0]?.length);
  });
}, 30_000);

/** Each byte in a segment of its own. */
async function dribble(client: Socket, text: string): Promise<void> {
  for (const byte of text) {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
