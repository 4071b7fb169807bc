import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { shapeOf, tutorialTexts } from "../fakes/extension-tutorial.ts";
import { codesIn, readPage } from "../fakes/markdown-page.ts";
import { fakeHelm, type FakeHelm } from "../fakes/helm.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Its lines. */
  readonly stderr: readonly string[];
}

const { version } = manifest;
let helm: FakeHelm;
beforeEach(async () => {
  helm = await fakeHelm();
});
afterEach(() => helm[Symbol.asyncDispose]());

const program = join(process.cwd(), "dist/main.js");

/** The program as it is built, with nothing on its PATH but the fake. */
function run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { PATH: helm.path, ...env } };
    execFile(process.execPath, [program, "extension", ...words], options, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error ? -1 : 0;
      resolve({ code, stdout, stderr: stderr.split("\n").filter((line) => line !== "") });
    });
  });
}

const named = ["--name", "akv"];

/** There is an extension akv, of these values. */
async function installed(config: object = {}, status = "deployed"): Promise<void> {
  const summary = { name: "akv", namespace: "kube-system", chart: `azure-keyvault-csi-${version}`, status };
  await helm.answer("list", { stdout: JSON.stringify([summary]) });
  const time = "2026-11-30T20:41:36.123456789Z";
  const info = { status, first_deployed: time, last_deployed: time };
  await helm.answer("status", { stdout: JSON.stringify({ name: "akv", info, config }) });
}

describe("what Helm is asked", () => {
  test("create hands values over on stdin and none in its words, secrets from files included", async () => {
    await installed({ logVerbosity: 2 });
    const file = join(helm.path, "secret.txt");
    await writeFile(file, "http://u:hunter2@proxy\n");
    const flags = ["--cluster-name", "c", "--config", "enableSecretRotation=true", "linux.image.tag=t"];
    const hidden = ["--configuration-protected-settings", `Azure.proxySettings.httpsProxy=@${file}`];
    const { code, stdout, stderr } = await run(["create", ...named, ...flags, ...hidden, "--no-wait"]);
    expect([code, ...stderr]).toEqual([0]);
    const calls = await helm.calls();
    expect(calls.map((call) => call.split(" ")[0])).toEqual(["version", "list", "status", "upgrade", "status"]);
    expect(calls[3]).toMatch(
      /^upgrade --install akv --namespace=kube-system \/\S+\/charts\/azure-keyvault-csi --create-namespace --reset-values --values=- --timeout=10m --hide-notes$/,
    );
    expect(calls.join("\n")).not.toMatch(/hunter2|enableSecretRotation/);
    expect(JSON.parse(await helm.stdin("upgrade"))).toEqual({
      logVerbosity: 2,
      "secrets-store-csi-driver": { enableSecretRotation: true },
      linux: { image: { tag: "t" } },
      Azure: { proxySettings: { httpsProxy: "http://u:hunter2@proxy" } },
      extension: {
        clusterName: "c",
        type: "Microsoft.AzureKeyVaultSecretsProvider",
        protectedSettings: ["Azure.proxySettings.httpsProxy"],
      },
    });
    expect(stdout).not.toContain("hunter2");
  });

  test.each([
    ["v3.18.0", []],
    ["v4.3.2", ["--server-side=false"]],
  ])("Helm %s gets %j besides", async (stdout, expected) => {
    await installed();
    await helm.answer("version", { stdout });
    await run(["update", ...named, "--dry-run"]);
    const call = (await helm.calls()).find((line) => line.startsWith("upgrade"))?.split(" ") ?? [];
    expect(call.slice(call.indexOf("--hide-notes") + 1)).toEqual(["--dry-run=server", "--hide-secret", ...expected]);
  });

  test("the cluster is the one that was said, and nothing that Helm alone reads may choose another", async () => {
    await run(["list", "--kubeconfig", "/k", "--kube-context", "x"], {
      HELM_KUBECONTEXT: "y",
      HELM_DRIVER: "configmap",
      HELM_CACHE_HOME: "/c",
    });
    expect((await helm.calls())[1]).toMatch(/^list --all-namespaces .* --kubeconfig \/k --kube-context x$/);
    expect((await helm.environment()).toSorted()).toEqual(["HELM_CACHE_HOME=/c", "HELM_DRIVER=secret"]);
  });

  test("the tutorial's template becomes an extension", async () => {
    const file = join(helm.path, "template.json");
    await writeFile(file, tutorialTexts.template);
    const parameters = ["--parameters", "ConnectedClusterName=arc1", "ReleaseTrain=stable"];
    const all = ["deploy", "--name", "d", "--resource-group", "g", "--template-file", file, ...parameters, "--dry-run"];
    const { code, stdout } = await run(all);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      name: "akvsecretsprovider",
      resourceGroup: "g",
      releaseTrain: "stable",
    });
    expect(JSON.parse(await helm.stdin("upgrade"))).toMatchObject({ extension: { clusterName: "arc1" } });
  });
});

describe("what is printed", () => {
  test("JSON of the tutorial's keys by default; a table, YAML or nothing when asked", async () => {
    await installed({ extension: { clusterName: "c", resourceGroup: "g", type: "T", releaseTrain: "preview" } });
    const show = (...words: readonly string[]): Promise<Ended> => run(["show", ...named, ...words]);
    const { stdout, stderr } = await show();
    expect(stderr).toEqual([]);
    const record: unknown = JSON.parse(stdout);
    const shape = (value: unknown): string => JSON.stringify(shapeOf(value)).replaceAll(/"(null|string|object)"/g, "?");
    expect(shape(record)).toBe(shape(JSON.parse(tutorialTexts.shown)));
    expect(parse((await show("--output", "yaml")).stdout)).toEqual(record);
    expect((await show("-o", "none")).stdout).toBe("");
    const [heads = "", dashes, row = ""] = (await show("--output", "table", "--cluster-name", "c")).stdout.split("\n");
    expect(heads.split(/ +/)).toEqual([
      "Name",
      "ExtensionType",
      "Version",
      "ProvisioningState",
      "ReleaseNamespace",
      "LastModifiedAt",
    ]);
    expect(dashes).toMatch(/^[- ]+$/);
    expect(row.split(/ +/).slice(0, 4)).toEqual(["akv", "t", version, "Succeeded"]);
  });

  test("a list of none is an empty array, and an empty table", async () => {
    expect((await run(["list"])).stdout).toBe("[]\n");
    expect((await run(["list", "--output", "table"])).stdout).toBe("");
  });

  test("help is no failure, and tells every command", async () => {
    for (const words of [[], ["--help"]]) {
      const { code, stdout } = await run(words);
      expect(code).toBe(0);
      for (const verb of ["create", "show", "update", "delete", "list", "deploy"])
        expect(stdout).toContain(`  ${verb} `);
    }
  });

  test("docs/extension.md tells the flags of every command", async () => {
    const { tables } = readPage(await readFile("docs/extension.md", "utf8"));
    const rows = tables.find(({ columns }) => columns[0] === "flag")?.rows ?? [];
    const verbs = ["create", "show", "update", "delete", "list", "deploy"];
    const documented = rows.flatMap(([flags, of = ""]) => {
      const listed = of.startsWith("all") ? verbs.filter((verb) => !of.includes(`but ${verb}`)) : of.split(", ");
      return listed.map((verb) => `${verb} ${codesIn(flags).join(" ")}`);
    });
    const told = verbs.map(async (verb) => {
      const { stdout } = await run([verb, "--help"]);
      return [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)/gm)]
        .filter(([, , flag]) => flag !== "--help")
        .map(([, short, flag = ""]) => [verb, flag, short].filter(Boolean).join(" "));
    });
    expect(documented.toSorted()).toEqual((await Promise.all(told)).flat().toSorted());
  });

  test("a setting that means nothing here is named, and taken", async () => {
    const { code, stderr } = await run(["create", ...named, "--config", "arc.enableMonitoring=true", "--dry-run"]);
    expect(code).toBe(0);
    expect(stderr).toEqual([expect.stringMatching(/^setting arc.enableMonitoring means nothing here: .*monitoring/)]);
  });
});

/** A failure is a line for each problem, and one that says what to do. */
async function failure(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<readonly [number, ...string[]]> {
  const { code, stdout, stderr } = await run(words, env);
  expect(stdout).toBe("");
  return [code, ...stderr.map((line) => line.replace("azure-keyvault-csi extension: ", ""))];
}

describe("failures, each with a remedy", () => {
  test.each<[readonly string[], number, string, string]>([
    [["show", ...named], 3, "this cluster has no extension akv", "make it: azure-keyvault-csi extension create"],
    [["creat"], 2, "there is no creat, the nearest is create", "Try: azure-keyvault-csi extension --help"],
    [["show"], 2, "--name is missing", "Try: azure-keyvault-csi extension show --help"],
    [["deploy"], 2, "--template-file is missing", "Try: azure-keyvault-csi extension deploy --help"],
    [["deploy", "-f", "/none"], 2, "/none cannot be read (ENOENT)", "give the path of a file"],
    [
      ["create", ...named, "--cluster-nam=x"],
      2,
      "--cluster-nam is not a flag of create, the nearest is --cluster-name",
      "Try: azure-keyvault-csi extension create --help",
    ],
    [
      ["create", ...named, "--config", "enableSecretRotaton=1"],
      2,
      "there is no setting enableSecretRotaton: the nearest is enableSecretRotation",
      "docs/values.md",
    ],
    [
      ["create", ...named, "--config", "logVerbosity=many"],
      2,
      'setting logVerbosity takes a whole number from 0 to 10, not "many"',
      "docs/values.md",
    ],
    [["create", ...named, "--config", "word"], 2, '"word" is not a setting', "write name=value"],
    [
      ["create", ...named, "--extension-type", "Microsoft.Flux"],
      2,
      "there is no extension type Microsoft.Flux here",
      "Microsoft.AzureKeyVaultSecretsProvider",
    ],
    [["create", ...named, "--version", "0.0.9"], 2, "not 0.0.9", "leave --version away"],
    [["create", ...named, "--output", "xml"], 2, "is invalid. Allowed choices are json, table, yaml, none.", "--help"],
    [["create", ...named, "--cluster-type", "managedClusters"], 2, "Allowed choices are connectedClusters.", "--help"],
    [["create", ...named, "--auto-upgrade", "maybe"], 2, "It is true or false.", "--help"],
    [["create", ...named, "hunter2"], 2, "create takes flags alone", "Try: azure-keyvault-csi extension create --help"],
  ])("%j", async (words, exit, what, remedy) => {
    const [code, ...lines] = await failure(words);
    expect([code, lines.length]).toEqual([exit, 2]);
    expect(lines[0]).toContain(what);
    expect(lines[1]).toContain(remedy);
  });

  test.each([
    [["create", ...named, "--config-protecte=a=hunter2"], "--config-protecte is not a flag of create"],
    [["create", ...named, "--config-protected=a=b", "hunter2"], "create takes flags alone"],
    [["create", ...named, "--config-protected", "a=b", "hunter2"], "a protected setting has no name"],
    [["create", ...named, "--config-protected", "a=@hunter2"], "the file of a cannot be read (ENOENT)"],
    [["create", ...named, "--config-protected", "logVerbosity=hunter2"], "logVerbosity takes a whole number"],
    [["deploy", "--template-file", "/dev/null", "--parameters", "hunter2"], "a parameter has no name"],
  ])("of %j tell no value that may be a secret", async (words, what) => {
    const [code, ...lines] = await failure(words);
    expect([code, lines.length]).toEqual([2, 2]);
    expect(lines[0]).toContain(what);
    expect(lines.join("\n")).not.toContain("hunter2");
  });

  test("a second instance", async () => {
    await installed();
    const [code, what, remedy] = await failure(["create", "--name", "other"]);
    expect([code, what]).toEqual([1, "this cluster has the extension already, as akv; there can be one"]);
    expect(remedy).toContain("azure-keyvault-csi extension delete --name akv");
  });

  test("no Helm", async () => {
    const [code, what, remedy] = await failure(["list"], { PATH: "/nowhere" });
    expect([code, what]).toEqual([1, "there is no helm command on the PATH"]);
    expect(remedy).toContain("https://helm.sh/docs/intro/install/");
  });

  test("an old Helm", async () => {
    await helm.answer("version", { stdout: "v3.17.1" });
    expect((await failure(["list"])).slice(0, 2)).toEqual([1, "the helm command is of version 3.17"]);
    expect(await helm.calls()).toHaveLength(1);
  });

  test("no cluster", async () => {
    await helm.answer("list", {
      code: 1,
      stderr: 'Error: Kubernetes cluster unreachable: Get "http://localhost:8080/version": refused',
    });
    const [code, what, remedy] = await failure(["list"]);
    expect([code, what]).toEqual([1, "no Kubernetes cluster answers"]);
    expect(remedy).toContain("--kube-context");
  });

  test("an upgrade in progress, seen before or told by Helm", async () => {
    await installed({}, "pending-upgrade");
    const [code, what, remedy] = await failure(["update", ...named]);
    expect([code, what]).toEqual([1, "another operation on akv is in progress (pending-upgrade)"]);
    expect(remedy).toContain("helm rollback akv -n kube-system");
    await installed();
    await helm.answer("upgrade", {
      code: 1,
      stderr: "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
    });
    expect((await failure(["update", ...named])).slice(0, 2)).toEqual([
      1,
      "another operation on the extension is in progress",
    ]);
  });

  test("what Helm says of a secret is not repeated", async () => {
    await helm.answer("upgrade", { code: 1, stderr: "Error: cannot use http://u:hunter2@p as an address" });
    const secret = "Azure.proxySettings.httpsProxy=http://u:hunter2@p";
    const lines = await failure(["create", ...named, "--configuration-protected-settings", secret]);
    expect(lines[1]).toBe("helm failed: cannot use … as an address");
    expect(lines.join("\n")).not.toContain("hunter2");
  });

  test("something else on the PATH that is called helm", async () => {
    await helm.answer("list", { stdout: "hello" });
    expect((await failure(["list"]))[1]).toBe("helm answered something else than JSON");
  });

  test("a signal ends Helm first, and is told", async () => {
    await writeFile(join(helm.path, "hang-upgrade"), "");
    const child = spawn(process.execPath, [program, "extension", "create", ...named], { env: { PATH: helm.path } });
    const told = text(child.stderr);
    await expect.poll(() => existsSync(join(helm.path, "hanging")), { timeout: 30_000 }).toBe(true);
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number];
    expect(code).toBe(1);
    expect(await told).toContain("azure-keyvault-csi extension: interrupted\n");
    expect((await helm.calls()).at(-1)).toBe("cut off");
  });
});
