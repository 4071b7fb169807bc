import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { createKubernetesClient } from "../../src/emulator/kubernetes-client.ts";
import type { EmulatorSettings } from "../../src/emulator/settings.ts";

let dir: string;
let served: ChildProcess;
let settings: EmulatorSettings;
let ca: string;

/** Starts the emulator as users do, and waits for its last line. */
async function serve(inDir: string): Promise<ChildProcess> {
  const args = ["src/emulator/main.ts", "all", "--any-port", "--dir", inDir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) if (line === "Ctrl-C stops it.") return child;
  throw new Error("the emulator ended before it was ready");
}

async function stop(child: ChildProcess): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
  return child.exitCode;
}

function run(args: readonly string[], inDir = dir): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const all = ["src/emulator/main.ts", "--dir", inDir, ...args];
    execFile(process.execPath, all, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "akv-emulator-"));
  served = await serve(dir);
  ca = await readFile(join(dir, "ca.pem"), "utf8");
  settings = JSON.parse(await readFile(join(dir, "emulator.json"), "utf8")) as EmulatorSettings;
  tls.setDefaultCACertificates([...tls.getCACertificates(), ca]);
});

afterAll(async () => {
  await stop(served);
  await rm(dir, { recursive: true, force: true });
});

test("--help tells each command and each option", async () => {
  const source = await readFile("src/emulator/main.ts", "utf8");
  const names = (block: string): readonly string[] =>
    [...(new RegExp(`const ${block}[^]*?^}`, "m").exec(source)?.[0] ?? "").matchAll(/^  "?([a-z-]+)"?:/gm)].map(
      ([, name = ""]) => name,
    );
  const { code, stdout } = await run(["--help"]);
  expect([code, names("options").includes("rtt"), names("commands").includes("kubelet")]).toEqual([0, true, true]);
  for (const name of names("options")) if (name !== "help") expect(stdout).toContain(`  --${name} `);
  for (const name of names("commands")) if (name !== "all") expect(stdout).toMatch(new RegExp(`\\b${name}\\b`));
});

describe("set and token", () => {
  test("put a secret into the vault, and print a token that reads it", async () => {
    const set = await run(["set", "DemoSecret=a=b c"]);
    expect(set.stdout).toMatch(/^demo-vault\/DemoSecret has version [0-9a-f]{32}\n$/);
    const { stdout: token } = await run(["token"]);
    const url = `https://demo-vault.${settings.vaultSuffix}/secrets/DemoSecret?api-version=7.4`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token.trim()}` } });
    expect(await response.json()).toMatchObject({ value: "a=b c" });
  });

  test("reach the vault that --vault names", async () => {
    const { stdout } = await run(["set", "--vault", "other-vault", "First=1", "Second=2"]);
    expect(stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^other-vault\/First has version /),
      expect.stringMatching(/^other-vault\/Second has version /),
    ]);
  });
});

describe("apply", () => {
  test("puts the objects of a YAML file into the cluster", async () => {
    const file = join(dir, "pod.yaml");
    await writeFile(file, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: applied\n");
    expect(await run(["apply", file])).toMatchObject({ code: 0, stdout: "pod/applied configured\n" });
    const cluster = createKubernetesClient({ url: settings.kubernetesUrl, ca, token: settings.adminToken });
    expect(await cluster.get({ plural: "pods", namespace: "default", name: "applied" })).toBeDefined();
  });

  test("says which kind it does not keep", async () => {
    const file = join(dir, "deployment.yaml");
    await writeFile(file, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n");
    const { code, stderr } = await run(["apply", file]);
    expect([code, stderr]).toEqual([1, "emulator: the emulator keeps no objects of kind Deployment\n"]);
  });
});

describe("a mistake of the user ends with exit code 2 and one line", () => {
  test.each([
    { args: ["serve"], says: "there is no command serve. Try one of: all, entra," },
    { args: ["constructor"], says: "there is no command constructor" },
    { args: ["--port", "1"], says: "Unknown option '--port'" },
    { args: ["--rtt", "far"], says: "--rtt needs a number of milliseconds" },
    { args: ["set"], says: "set needs Name=Value" },
    { args: ["set", "DemoSecret"], says: "DemoSecret is not Name=Value" },
    { args: ["apply"], says: "apply needs a YAML file" },
    { args: ["kubelet", "publish"], says: "kubelet needs: publish|republish|unpublish POD --socket PATH" },
  ])("$args", async ({ args, says }) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout, stderr.split("\n").length]).toEqual([2, "", 2]);
    expect(stderr).toContain(`emulator: ${says}`);
  });
});

describe("without a running emulator", () => {
  test.each([["set", "DemoSecret=value"], ["token"], ["apply", "any.yaml"]])(
    "%s says how to start one",
    async (...args) => {
      const { code, stderr } = await run(args, join(dir, "nowhere"));
      expect([code, stderr]).toEqual([
        1,
        `emulator: no emulator has run in ${join(dir, "nowhere")}. Start one: npm run emulator\n`,
      ]);
    },
  );

  test.each([["set", "DemoSecret=value"], ["token"], ["apply", "package.json"]])(
    "%s says that the one that ran has stopped",
    async (...args) => {
      const stopped = await serve(join(dir, "stopped"));
      expect(await stop(stopped)).toBe(0);
      const { code, stderr } = await run(args, join(dir, "stopped"));
      expect([code, stderr.split("\n").length]).toEqual([1, 2]);
      expect(stderr).toContain("the emulator has stopped. Start it again: npm run emulator");
    },
  );
});

test("an emulator that finds a port taken lets go of those it took", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: entra } = free.address() as AddressInfo;
  free.close();
  await once(free, "close");
  const starting = startEmulator({ dir: join(dir, "taken"), ports: { entra, vault: port, kubernetes: 0 } });
  await expect(starting).rejects.toThrow("EADDRINUSE");
  const again = createServer().listen(entra, "127.0.0.1");
  await once(again, "listening");
  again.close();
  taken.close();
});
