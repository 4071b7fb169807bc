import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { Client, credentials, status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { createEstablishedDriver } from "../fakes/established-driver.ts";
import { watchLoadedModules } from "../fakes/loaded-modules.ts";
import { cannotActAsRealRoot } from "../fakes/mount-rights.ts";
import { startProviderWorld, type MountShape, type ProviderWorld } from "../fakes/provider-world.ts";
import { secretObject } from "../fakes/world.ts";

interface Refusal {
  readonly code: number;
  readonly details: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile("dist/main.js", ["provider", ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, out: stdout + stderr });
    });
  });
}

describe("the command line of the provider", () => {
  test.each(["--version", "-version"])("%s prints version and date as the established provider does", async (flag) => {
    const { code, out } = await run([flag]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      version: expect.stringMatching(/^v\d/) as string,
      buildDate: expect.stringMatching(/^\d{4}-\d\d-\d\d-\d\d:\d\d$/) as string,
    });
  });

  test.each([
    [["--no-such-flag"], {}, "--no-such-flag is not a flag of this command"],
    [["--metrics-backend=statsd"], {}, "unsupported metrics backend statsd"],
    [["--endpoint=tcp://127.0.0.1:1"], {}, "invalid endpoint: tcp://127.0.0.1:1"],
    [[], { NODE_OPTIONS: "--inspect=127.0.0.1:0" }, "--inspect=127.0.0.1:0 would open the memory"],
  ])("%j is a usage error", async (args, env, says) => {
    const { code, out } = await run(args, env);
    expect(code).toBe(2);
    expect(out).toContain(says);
    expect(out).toContain("Try: azure-keyvault-csi provider --help");
  });

  test("--help tells its flags", async () => {
    const { code, out } = await run(["-help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("--healthz-timeout=DURATION")]);
  });

  test("a port that is taken ends the start, by its flag's name", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    const { code, out } = await run([`--healthz-port=127.0.0.1:${port}`, "--endpoint=unix:///tmp/never.sock"]);
    taken.close();
    expect(code).toBe(1);
    expect(out).toMatch(/^E.*--healthz-port: cannot listen on 127\.0\.0\.1:\d+: something on this node listens there/m);
  });
});

describe("the provider as a process", () => {
  let azure: ProviderWorld;
  beforeEach(async () => {
    azure = await startProviderWorld();
  });
  afterEach(() => azure.close());

  test.each(["SIGTERM", "SIGINT"] as const)("its socket is for its owner alone, and goes with %s", async (signal) => {
    expect((await stat(azure.socketPath)).mode & 0o777).toBe(0o700);
    await expect.poll(() => azure.process.stderr()).toMatch(/^I.*"Starting Azure Key Vault Provider"/m);
    expect(await azure.process.stop(signal)).toBe(0);
    expect(azure.process.stderr()).toContain(`"Stopping" signal="${signal}"`);
    await expect(stat(azure.socketPath)).rejects.toThrow("ENOENT");
  });

  test("of Node's own modules it loads none that nobody uses", async () => {
    const loaded = await watchLoadedModules(azure.world.dir);
    const watched = await startProviderWorld([], () => [process.execPath, loaded.flag, "dist/main.js"]);
    watched.world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "value");
    await watched.driver.mount(watched.messageOf());
    expect(await watched.process.stop()).toBe(0);
    await watched.close();
    const modules = await loaded.read();
    expect(modules).toContain("http");
    expect(modules.filter((name) => name.includes("undici"))).toEqual([]);
  });

  test("it makes no core file, and serves nothing else by its socket, reflection neither", async () => {
    expect(await readFile(`/proc/${azure.process.pid}/limits`, "utf8")).toMatch(/Max core file size\s+0\s+0/);
    const raw = new Client(`unix:${azure.socketPath}`, credentials.createInsecure());
    const bytes = (value: Buffer): Buffer => value;
    const method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const code = await new Promise((resolve) => {
      raw.makeUnaryRequest(method, bytes, bytes, Buffer.alloc(0), (error) => {
        resolve(error?.code);
      });
    });
    raw.close();
    expect(code).toBe(status.UNIMPLEMENTED);
  });

  test.skipIf(cannotActAsRealRoot)("another user of the node is refused by the socket itself", async () => {
    const connect = `require("net").connect(${JSON.stringify(azure.socketPath)}).on("error",e=>console.log(e.code)).on("connect",function(){console.log("in");this.end()})`;
    const asUser = await new Promise<string>((resolve) => {
      execFile(process.execPath, ["-e", connect], { uid: 65_534, gid: 65_534 }, (_, stdout) => {
        resolve(stdout.trim());
      });
    });
    expect(asUser).toBe("EACCES");
  });

  test("a stop waits for the mount under way", async () => {
    const vault = azure.world.emulator.vaults.named("demo-vault");
    vault.setSecret("DemoSecret", "late");
    vault.setLatency(500);
    const mounted = azure.driver.mount(azure.messageOf());
    await expect.poll(() => vault.tally.counters().peakInFlight).toBeGreaterThan(0);
    const stopped = azure.process.stop();
    expect((await mounted).files[0]?.contents.toString()).toBe("late");
    expect(await stopped).toBe(0);
  });

  test("a second one is refused the socket, and the first one serves on", async () => {
    const own = `--endpoint=unix://${azure.socketPath}`;
    const second = await run([own, "--healthz-port=127.0.0.1:0", "--prometheus-port=127.0.0.1:0"]);
    expect([second.code, second.out]).toEqual([1, expect.stringContaining("another process serves")]);
    expect(await azure.driver.check("")).toEqual({ status: "SERVING" });
  });

  test("the socket that a killed one left is replaced, and the driver's connection serves on", async () => {
    azure.world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "a");
    await azure.driver.mount(azure.messageOf());
    await azure.process.stop("SIGKILL");
    expect((await stat(azure.socketPath)).isSocket()).toBe(true);
    const next = await azure.start();
    const mounted = (): Promise<number> =>
      azure.driver.mount(azure.messageOf()).then(
        ({ files }) => files.length,
        () => 0,
      );
    await expect.poll(mounted, { timeout: 10_000 }).toBe(1);
    expect(await next.stop()).toBe(0);
  });

  test("health asks the socket, and metrics tell of it in the established words", async () => {
    const healthy = await fetch(azure.healthUrl);
    expect([healthy.status, await healthy.text()]).toEqual([200, "ok"]);
    await azure.driver.mount({ attributes: "{}", secrets: "null", permission: "420" }).catch(() => undefined);
    const metrics = await (await fetch(azure.metricsUrl)).text();
    const labels = 'provider="azure",os_type="linux",service_name="csi-secrets-store-provider-azure"';
    expect(metrics).toContain(
      `grpc_request_count{grpc_method="/grpc.health.v1.Health/Check",grpc_code="OK",grpc_message="",${labels}} 1`,
    );
    expect(metrics).toContain(
      `grpc_request_count{grpc_method="/v1alpha1.CSIDriverProvider/Mount",grpc_code="InvalidArgument",grpc_message="InvalidRequest",${labels}} 1`,
    );
    for (const path of ["/debug/pprof/", "/metrics"])
      expect((await fetch(new URL(path, azure.healthUrl))).status).toBe(404);
    expect((await fetch(new URL("/debug/pprof/", azure.metricsUrl))).status).toBe(404);
  });

  test("100 pods of one identity with the same 10 secrets cost 10 reads", async () => {
    const vault = azure.world.emulator.vaults.named("demo-vault");
    const names = Array.from({ length: 10 }, (_, index) => `secret-${index}`);
    for (const name of names) vault.setSecret(name, `value of ${name}`);
    const objects = JSON.stringify({
      array: names.map((objectName) => JSON.stringify({ objectName, objectType: "secret" })),
    });
    const startedAt = Date.now();
    const wave = (name: string) =>
      Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          azure.driver.mount(azure.messageOf({ pod: `${name}-${index}`, objects })),
        ),
      );
    const answers = [...(await wave("first")), ...(await wave("second"))];
    const turns = Math.ceil((Date.now() - startedAt) / 2_000);
    for (const { files } of answers) expect(files.map(({ path }) => path)).toEqual(names);
    const reads = Object.entries(vault.tally.counters().answers).filter(([what]) => what.startsWith("GET /secrets/"));
    expect(reads.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(10 * turns);
  });

  test("the driver's next rotation gets what the vault has by then", async () => {
    const vault = azure.world.emulator.vaults.named("demo-vault");
    vault.setSecret("DemoSecret", "old");
    const [old] = (await azure.driver.mount(azure.messageOf())).files;
    const dropped = new Promise((resolve) => setTimeout(resolve, 2_100));
    vault.setSecret("DemoSecret", "new");
    await dropped;
    const [renewed] = (await azure.driver.mount(azure.messageOf())).files;
    expect([old?.contents.toString(), renewed?.contents.toString()]).toEqual(["old", "new"]);
  });
});

describe("what the driver is told", () => {
  let azure: ProviderWorld;
  const secrets = Array.from({ length: 3 }, () => createCanary());
  const [value = "", clientSecret = "", noJson = ""] = secrets;
  const answers: string[] = [];

  beforeAll(async () => {
    azure = await startProviderWorld(["-v=10", "--enable-pprof"]);
    azure.world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", value);
  });
  afterAll(() => azure.close());

  const refusalOf = async (shape: MountShape): Promise<Refusal> => {
    const told = await azure.driver.mount(azure.messageOf(shape)).then(
      () => expect.fail("mounted"),
      (error: unknown) => error as Refusal,
    );
    answers.push(JSON.stringify(told));
    return { code: told.code, details: told.details };
  };
  const message = (message: MountShape["message"]): MountShape => ({ ...(message && { message }) });
  const empty = { attributes: "", secrets: "", permission: "", targetPath: "" };
  const begins = "failed to mount objects, error: ";

  /** azure-provider, appendix A: the rows that need the provider's own socket; the others are in golden.test.ts. */
  test.each<readonly [request: string, shape: MountShape, details: string]>([
    ["empty MountRequest", message(empty), "failed to unmarshal attributes, error: unexpected end of JSON input"],
    [
      "attributes, secrets empty",
      message({ ...empty, attributes: '{"keyvaultName":"kv"}' }),
      "failed to unmarshal secrets, error: unexpected end of JSON input",
    ],
    [
      "plus secrets {}, permission empty",
      message({ ...empty, attributes: '{"keyvaultName":"kv"}', secrets: "{}" }),
      "failed to unmarshal file permission, error: unexpected end of JSON input",
    ],
    ["attributes {}", message({ attributes: "{}" }), `${begins}pod name is not provided`],
    [
      "pod name and namespace only",
      { parameters: { keyvaultName: "", tenantId: "", objects: "" } },
      `${begins}keyvaultName is not provided`,
    ],
    [
      "no identity, secrets null",
      { secrets: null },
      `${begins}failed to build auth config for mode None: failed to get credentials, nodePublishSecretRef secret is not set: set it on the pod's volume, or choose another identity in the SecretProviderClass (clientID, useVMManagedIdentity)`,
    ],
    [
      "no identity, secrets {}",
      { secrets: {} },
      `${begins}failed to build auth config for mode None: could not find clientid in secrets: the Secret that nodePublishSecretRef names needs the keys clientid and clientsecret`,
    ],
    ["secrets that are no JSON", message({ secrets: noJson }), "failed to unmarshal secrets, error: it is no JSON"],
    [
      "a client secret that is a number",
      message({ secrets: '{"clientid":"c","clientsecret":12345678}' }),
      "failed to unmarshal secrets, error: json: cannot unmarshal number into Go value of type string",
    ],
    [
      "another pod's directory",
      message({ targetPath: "/var/lib/kubelet/pods/other/volumes/kubernetes.io~csi/secrets/mount" }),
      "attributes csi.storage.k8s.io/pod.uid is not the pod UID in target_path, so who asks is not certain",
    ],
    [
      "a text of lone surrogates",
      { parameters: { keyvaultName: "\ud800\udc00\ud800" } },
      `${begins}failed to get vault: Invalid vault name: "\u{10000}\ufffd", must match [-a-zA-Z0-9]{3,24}`,
    ],
  ])("%s", async (_, shape, details) => {
    expect(await refusalOf(shape)).toEqual({ code: 3, details });
  });

  test("the secret itself; and files get the driver's mode where an object says none", async () => {
    const objects = JSON.stringify({
      array: [
        JSON.stringify({ objectName: "DemoSecret", objectType: "secret" }),
        JSON.stringify({
          objectName: "DemoSecret",
          objectType: "secret",
          objectAlias: "own",
          filePermission: "0600",
        }),
      ],
    });
    const current = [{ id: "secret/DemoSecret", version: "of long ago" }];
    const { files, objectVersion, error } = await azure.driver.mount(
      azure.messageOf({ objects, message: { permission: "288", currentObjectVersion: current } }),
    );
    expect(error).toBeNull();
    expect(files).toEqual([
      { path: "DemoSecret", mode: 0o440, contents: Buffer.from(value) },
      { path: "own", mode: 0o600, contents: Buffer.from(value) },
    ]);
    expect(objectVersion.map(({ id }) => id)).toEqual(["secret/DemoSecret", "secret/DemoSecret"]);
    expect(objectVersion[0]?.version).toMatch(/^[0-9a-f]{32}$/);
  });

  test("an empty list of objects is well, and without versions: the driver says what is missing", async () => {
    const answer = await azure.driver.mount(azure.messageOf({ objects: "array: []" }));
    expect(answer).toEqual({ files: [], objectVersion: [], error: null });
  });

  test("huge attributes of thousands of names are read, and those beyond 4 MiB are refused; others are served meanwhile", async () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`name-${index}`, "v"]));
    const nested = `{"a":${"[".repeat(1_000_000)}`;
    const served = azure.driver.check("");
    await expect(azure.driver.mount(azure.messageOf(message({ attributes: nested })))).rejects.toMatchObject({
      code: 3,
      details: "failed to unmarshal attributes, error: it is no JSON",
    });
    expect(await refusalOf({ parameters: { ...many, keyvaultName: "kv" } })).toMatchObject({
      code: 3,
      details: expect.stringContaining('Invalid vault name: "kv"') as string,
    });
    await expect(
      azure.driver.mount(azure.messageOf(message({ attributes: " ".repeat(5_000_000) }))),
    ).rejects.toMatchObject({ code: 8 });
    expect(await served).toEqual({ status: "SERVING" });
  });

  test("a vault's answer of more than 4 MiB in all is refused with the limit's name", async () => {
    const vault = azure.world.emulator.vaults.named("demo-vault");
    vault.setSecret("large", "x".repeat(25_000));
    const objects = JSON.stringify({
      array: Array.from({ length: 200 }, (_, index) =>
        JSON.stringify({ objectName: "large", objectType: "secret", objectAlias: `file-${index}` }),
      ),
    });
    const { code, details } = await refusalOf({ objects });
    expect(code).toBe(3);
    expect(details).toContain("more than the limit of 4194304 (--max-call-recv-msg-size)");
  });

  test("a secret that is no hex, a wrong client secret, and a token that is none", async () => {
    const { clientId: clientid } = azure.world.emulator.settings.demo;
    expect(await refusalOf({ objects: secretObject("DemoSecret", { objectEncoding: "hex" }) })).toMatchObject({
      code: 13,
    });
    expect(await refusalOf({ secrets: { clientid, clientsecret: clientSecret } })).toMatchObject({ code: 7 });
    const tokens = { "csi.storage.k8s.io/serviceAccount.tokens": noJson };
    expect(await refusalOf({ parameters: { clientID: "c" }, secrets: tokens })).toMatchObject({
      code: 3,
      details: expect.stringContaining("failed to unmarshal service account tokens") as string,
    });
  });

  test("and of all that no secret is in any answer, log line or metric", async () => {
    const places = {
      stdout: azure.process.stdout(),
      stderr: azure.process.stderr(),
      answers: answers.join("\n"),
      metrics: await (await fetch(azure.metricsUrl)).text(),
      "command line": azure.process.child.spawnargs.join(" "),
    };
    expect(answers.length).toBeGreaterThan(10);
    for (const series of [
      'keyvault_request_count{object_type="secret",object_name="",error=""',
      "keyvault_queue_depth{",
    ])
      expect(places.metrics).toContain(series);
    expect(places.stderr).toContain("--enable-pprof is taken and ignored");
    expect(places.stderr).toContain('method="/v1alpha1.CSIDriverProvider/Mount"');
    expect(findLeaks(secrets, places)).toEqual([]);
    expect(Object.values(places).join("\n")).not.toContain("12345678");
  });

  test("a driver that comes again on a new connection is served", async () => {
    const again = createEstablishedDriver(azure.socketPath);
    expect((await again.mount(azure.messageOf())).files).toHaveLength(1);
    again.close();
  });
});
