import { execFile, execFileSync } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/grpc/client.ts";
import { watchLoadedModules } from "../fakes/loaded-modules.ts";
import { startWorld, type World } from "../fakes/world.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile("dist/main.js", args, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

describe("the command line", () => {
  test("bare, it prints help", async () => {
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: azure-keyvault-csi <command>");
  });

  test("an unknown command is a usage error of two lines", async () => {
    const { code, stderr } = await run(["nod"]);
    expect([code, stderr.trim().split("\n").length]).toEqual([2, 2]);
  });

  test.each(["--version", "-version", "--version=true"])("%s prints what was built, as JSON", async (flag) => {
    const { code, stdout } = await run(["node", flag]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ BuildVersion: expect.stringMatching(/^v\d/) as string });
  });

  test("all problems are told at once, with exit code 2 and the nearest flag", async () => {
    const { code, stderr } = await run(["node", "--nodid=x", "-v=99", "--endpoint=tcp://:1"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--nodid is not a flag of this command, the nearest is --nodeid");
    expect(stderr).toContain("--v: must be a number");
    expect(stderr).toContain("--endpoint: invalid endpoint: tcp://:1");
    expect(stderr).toContain("--nodeid is missing");
  });

  test("Node's debugging options are refused", async () => {
    const { code, stderr } = await run(["node", "--nodeid=n"], { NODE_OPTIONS: "--inspect=127.0.0.1:0" });
    expect(code).toBe(2);
    expect(stderr).toContain("--inspect");
  });

  test("without a cluster it says what to set", async () => {
    const { code, stderr } = await run(["node", "--nodeid=n", "--endpoint=unix:///tmp/never.sock"], {
      KUBECONFIG: "",
      KUBERNETES_SERVICE_HOST: "",
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^E.*there is no Kubernetes cluster: run in a pod, or set --kubeconfig/m);
  });
});

describe("the running plugin", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld();
  });
  afterEach(() => world.close());

  test("its socket is for its owner alone, replaces a stale one, and goes with SIGTERM", async () => {
    await writeFile(world.socketPath, "stale");
    const plugin = await world.startPlugin();
    const { mode } = await stat(world.socketPath);
    expect(mode & 0o777).toBe(0o700);
    expect(await plugin.stop("SIGTERM")).toBe(0);
    await expect(stat(world.socketPath)).rejects.toThrow("ENOENT");
  });

  test("it takes its service account from the pod's files as well as from a kubeconfig", async () => {
    const address = new URL(world.emulator.settings.kubernetesUrl);
    const dir = "/var/run/secrets/kubernetes.io/serviceaccount";
    execFileSync("mount", ["-t", "tmpfs", "none", "/var/run"]);
    execFileSync("mkdir", ["-p", dir]);
    execFileSync("cp", ["-r", `${world.dir}/emulator/serviceaccount/.`, dir]);
    world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "in-cluster");
    const env = { KUBERNETES_SERVICE_HOST: address.hostname, KUBERNETES_SERVICE_PORT: address.port };
    const plugin = await world.startPlugin({ flags: ["--kubeconfig="], env });
    await world.createPod({ pod: "in-cluster" });
    await world.kubelet.publish("in-cluster");
    expect(await world.podStatus("in-cluster")).toMatchObject({ mounted: true });
    await world.kubelet.unpublish("in-cluster");
    expect(await plugin.stop()).toBe(0);
    execFileSync("umount", ["/var/run"]);
  });

  test("of Node's own modules it loads none that nobody uses: undici would weigh 6 MiB", async () => {
    const loaded = await watchLoadedModules(world.dir);
    const plugin = await world.startPlugin({ env: { NODE_OPTIONS: loaded.flag } });
    world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "first");
    await world.createPod({ pod: "first" });
    await world.kubelet.publish("first");
    await world.kubelet.unpublish("first");
    expect(await plugin.stop()).toBe(0);
    const modules = await loaded.read();
    expect(modules).toContain("http");
    expect(modules.filter((name) => name.includes("undici"))).toEqual([]);
  });

  test("what the build takes away is nowhere taken for a class", async () => {
    for (const file of (await readdir("dist")).filter((name) => name.endsWith(".js")))
      expect(await readFile(join("dist", file), "utf8")).not.toMatch(/(instanceof|new) *\(?(undefined|void 0)\b/);
  });

  test("it makes no core file, and SIGUSR1 opens no debugger", async () => {
    const plugin = await world.startPlugin();
    expect(await readFile(`/proc/${plugin.pid}/limits`, "utf8")).toMatch(/Max core file size\s+0\s+0/);
    process.kill(plugin.pid, "SIGUSR1");
    const client = createClient(world.socketPath);
    expect(await client.identity.probe()).toEqual({ ready: { value: true } });
    client.close();
    expect(plugin.stderr()).not.toContain("Debugger listening");
    await expect(listens(9229)).resolves.toBe(false);
    expect(await plugin.stop()).toBe(0);
  });

  test("a hardened process is not dumpable", () => {
    const script = `import koffi from "koffi"; import { hardenProcess } from "./src/process/harden.ts"; await hardenProcess();
      console.log(koffi.load("libc.so.6").func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)")(3, 0, 0, 0, 0));`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(printed.trim()).toBe("0");
  });
});

/** Whether somebody has taken the port. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => {
      resolve(true);
    });
    server.listen(port, "127.0.0.1", () =>
      server.close(() => {
        resolve(false);
      }),
    );
  });
}
