import { afterEach, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import { serveHttp, type HttpServer, type Routes } from "../../../src/health/http.ts";

const started: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function serve(routes: Routes): Promise<string> {
  const server = await serveHttp({ host: "127.0.0.1", port: 0 }, routes);
  started.push(server);
  return `http://127.0.0.1:${server.port}`;
}

const routes: Routes = {
  "/ok": () => Promise.resolve({ status: 200, text: "fine\n" }),
  "/typed": () => Promise.resolve({ status: 503, text: "{}", contentType: "application/json" }),
  "/broken": () => Promise.reject(new Error("hunter2")),
};

test.each([
  ["GET", "/ok", 200, "fine\n"],
  ["GET", "/ok?verbose=1", 200, "fine\n"],
  ["HEAD", "/ok", 200, ""],
  ["POST", "/ok", 405, "only GET\n"],
  ["GET", "/", 404, "not found\n"],
  ["GET", "/constructor", 404, "not found\n"],
  ["GET", "/broken", 500, "internal error\n"],
])("%s %s is answered %i", async (method, path, status, text) => {
  const response = await fetch(`${await serve(routes)}${path}`, { method });
  expect([response.status, await response.text()]).toEqual([status, text]);
});

test("an answer has its type", async () => {
  const response = await fetch(`${await serve(routes)}/typed`);
  expect([response.status, response.headers.get("content-type")]).toEqual([503, "application/json"]);
});

test("a port that is taken is told as such", async () => {
  const taken = Number(new URL(await serve(routes)).port);
  await expect(serveHttp({ host: "127.0.0.1", port: taken }, routes)).rejects.toEqual(
    new DriverError(
      "InvalidRequest",
      `cannot listen on 127.0.0.1:${taken}: something on this node listens there: choose another`,
    ),
  );
});

test("an address of another machine is told as such", async () => {
  await expect(serveHttp({ host: "192.0.2.1", port: 0 }, routes)).rejects.toThrow(
    "cannot listen on 192.0.2.1:0: this node does not have that address: leave it out, or correct it",
  );
});

test("a client that keeps its connection does not hold up the end", async () => {
  const server = await serveHttp({ host: "127.0.0.1", port: 0 }, routes);
  await (await fetch(`http://127.0.0.1:${server.port}/ok`)).text();
  await server.stop();
  await expect(fetch(`http://127.0.0.1:${server.port}/ok`)).rejects.toThrow();
});
