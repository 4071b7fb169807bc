import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAuthority } from "../../src/emulator/ca.ts";
import { createCanary, findLeaks } from "../fakes/canary.ts";
import { freePort } from "../fakes/free-port.ts";
import { makeProxyAuthority } from "../fakes/proxy-authority.ts";
import { startProxy, type ProxyOptions, type RunningProxy } from "../fakes/proxy.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

/** Nothing of the environment that the tests themselves run in. */
const bare = Object.fromEntries(
  ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [
    [name, ""],
    [name.toLowerCase(), ""],
  ]),
);

let world: World;
const proxies: RunningProxy[] = [];
const plugins: PluginProcess[] = [];
beforeEach(async () => {
  world = await startWorld();
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "through the proxy");
});
afterEach(async () => {
  await Promise.all(plugins.splice(0).map((plugin) => plugin.stop()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  await world.close();
});

async function proxy(options?: ProxyOptions): Promise<RunningProxy> {
  const started = await startProxy(options);
  proxies.push(started);
  return started;
}

async function plugin(
  env: NodeJS.ProcessEnv,
  flags: readonly string[] = [],
  command = ["dist/main.js"],
): Promise<PluginProcess> {
  const started = await world.startPlugin({ env: { ...bare, ...env }, flags, command });
  plugins.push(started);
  return started;
}

/** What the pod's file says; throws kubelet's error. */
async function mount(pod: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  await world.createPod({ pod, parameters });
  await world.kubelet.publish(pod);
  return readFile(join(await world.targetOf(pod), "DemoSecret"), "utf8");
}

async function failure(pod: string, parameters?: Readonly<Record<string, string>>): Promise<string> {
  return mount(pod, parameters).then(
    () => "mounted",
    (error: unknown) => (error as Error).message,
  );
}

function hosts(): { entra: string; vault: string } {
  const { entraUrl, vaultSuffix } = world.emulator.settings;
  return { entra: new URL(entraUrl).host, vault: `demo-vault.${vaultSuffix}` };
}

describe("the proxy of the environment", () => {
  test.each(["HTTPS_PROXY", "https_proxy"])(
    "%s is used for vault and token service, and nothing else",
    async (name) => {
      const { url, targets } = await proxy();
      // Node's own use of the variables changes nothing either.
      await plugin({ [name]: url, NODE_USE_ENV_PROXY: "1" });
      expect(await mount("web")).toBe("through the proxy");
      expect(new Set(await targets())).toEqual(new Set(Object.values(hosts())));
    },
  );

  test("it is not used for other protocols, nor under other names", async () => {
    const { url, targets } = await proxy();
    const bareUrl = url.replace("http://", "");
    await plugin({ HTTP_PROXY: url, http_proxy: bareUrl, ALL_PROXY: bareUrl, all_proxy: url });
    expect(await mount("web")).toBe("through the proxy");
    expect(await targets()).toEqual([]);
  });

  test("NO_PROXY goes around it, for what it names alone", async () => {
    const { url, targets } = await proxy();
    await plugin({ HTTPS_PROXY: url, NO_PROXY: "10.0.0.0/8,vault.localhost" });
    expect(await mount("web")).toBe("through the proxy");
    expect(new Set(await targets())).toEqual(new Set([hosts().entra]));
  });

  test("it gets user and password, and resolves the names", async () => {
    const { port, targets } = await proxy({ credentials: "us@er:p@ss:word" });
    await plugin({ HTTPS_PROXY: `us%40er:p%40ss%3Aword@127.0.0.1:${port}` });
    // This name is known to nobody on the node.
    const suffix = world.emulator.settings.vaultSuffix;
    expect(await failure("unknown", { keyvaultName: "known-elsewhere" })).toContain("VaultNotFound");
    expect(await targets()).toContain(`known-elsewhere.${suffix}`);
    expect(await mount("web")).toBe("through the proxy");
  });

  test("it may be spoken to by TLS", async () => {
    const tls = await (await openAuthority(join(world.dir, "emulator"))).issue(["localhost"]);
    const { url } = await proxy({ tls });
    await plugin({ HTTPS_PROXY: url });
    expect(await failure("unknown", { keyvaultName: "known-elsewhere" })).toContain("VaultNotFound");
  });

  test("the Kubernetes API is asked without it", async () => {
    const { url, targets } = await proxy();
    const account = join(world.dir, "emulator/serviceaccount");
    const dir = "/var/run/secrets/kubernetes.io/serviceaccount";
    const script = `mount -t tmpfs none /var/run && mkdir -p ${dir} && mount --bind "$0" ${dir} && exec "$@"`;
    const env = {
      KUBERNETES_SERVICE_HOST: "kubernetes.default.svc.cluster.local",
      KUBERNETES_SERVICE_PORT: new URL(world.emulator.settings.kubernetesUrl).port,
      KUBECONFIG: "",
    };
    const command = ["unshare", "--mount", "sh", "-c", script, account, "dist/main.js"];
    await plugin({ HTTPS_PROXY: url, ...env }, ["--kubeconfig="], command);
    await world.createPod({ pod: "web" });
    await world.kubelet.publish("web");
    expect(await world.podStatus("web")).toMatchObject({ mounted: true });
    expect(new Set(await targets())).toEqual(new Set(Object.values(hosts())));
  });

  test("the program takes its variables for itself: who reads its environment afterwards finds none", async () => {
    const { url, targets } = await proxy();
    // The SDK would throw at this value, which Go takes.
    await plugin({ HTTPS_PROXY: url.replace("http://", ""), HTTP_PROXY: "127.0.0.1:3128", NODE_USE_ENV_PROXY: "" });
    expect(await mount("web")).toBe("through the proxy");
    expect(new Set(await targets())).toEqual(new Set(Object.values(hosts())));
  });

  test("its connections are kept", async () => {
    const { url, targets } = await proxy();
    await plugin({ HTTPS_PROXY: url });
    for (const pod of ["a", "b", "c"]) await mount(pod);
    const before = (await targets()).length;
    for (const pod of ["d", "e", "f"]) await mount(pod);
    expect((await targets()).length - before).toBeLessThanOrEqual(1);
  });
});

describe("a proxy that fails is told by name, and its password never", () => {
  const user = createCanary();
  const password = createCanary();
  const withCredentials = (port: number, host = "127.0.0.1"): string => `http://${user}:${password}@${host}:${port}`;

  async function told(url: string): Promise<string> {
    const port = await freePort();
    const flags = ["-v=10", `--metrics-addr=127.0.0.1:${port}`];
    const started = await plugin({ HTTPS_PROXY: url }, flags);
    const message = await failure("web");
    const places = {
      message,
      stdout: started.stdout(),
      stderr: started.stderr(),
      metrics: await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    };
    expect(places.stderr).toContain("proxy");
    expect(findLeaks([user, password, `${user}:${password}`], places)).toEqual([]);
    expect(JSON.stringify(places)).not.toContain("hunter2");
    return message;
  }

  test("407", async () => {
    const { port } = await proxy({ credentials: "somebody:else" });
    expect(await told(withCredentials(port))).toContain(
      `the proxy http://127.0.0.1:${port} wants credentials or refuses those it got (HTTP 407): correct user and password in HTTPS_PROXY`,
    );
  });
  test.each([
    [403, "allow it there, or name it in NO_PROXY"],
    [502, "check that name, and whether the proxy resolves and reaches it"],
  ])("%i", async (status, remedy) => {
    const { port } = await proxy({ status });
    const message = await told(withCredentials(port));
    expect(message).toContain(`the proxy http://127.0.0.1:${port} `);
    expect(message).toContain(`(HTTP ${status}): ${remedy}`);
  });
  test("nobody there", async () => {
    const port = await freePort();
    expect(await told(withCredentials(port))).toContain(
      `the proxy http://127.0.0.1:${port} cannot be reached (ECONNREFUSED): correct HTTPS_PROXY`,
    );
  });
  test("no such name", async () => {
    expect(await told(withCredentials(3128, "proxy.invalid"))).toMatch(
      /the proxy http:\/\/proxy\.invalid:3128 does not resolve \((ENOTFOUND|EAI_AGAIN)\): correct HTTPS_PROXY/,
    );
  });
  test("silent", async () => {
    const { port } = await proxy({ status: "never" });
    expect(await told(withCredentials(port))).toContain(
      `the proxy http://127.0.0.1:${port} does not connect to ${hosts().entra}: correct HTTPS_PROXY, or check the proxy`,
    );
  });
  test.each([
    ["speaks no HTTP", "SSH-2.0-OpenSSH hunter2\r\n"],
    ["hangs up", ""],
  ])("%s", async (_, greeting) => {
    const { port } = await proxy({ status: { raw: greeting } });
    expect(await told(withCredentials(port))).toContain(
      `the proxy http://127.0.0.1:${port} does not connect to ${hosts().entra}: correct HTTPS_PROXY, or check the proxy`,
    );
  });
  test("breaks off within the tunnel", async () => {
    const { port } = await proxy({ status: { raw: "HTTP/1.1 200 hunter2\r\n\r\n" } });
    expect(await told(withCredentials(port))).toContain(
      `the connection to ${hosts().entra} through the proxy http://127.0.0.1:${port} broke (ECONNRESET): check the proxy`,
    );
  });
  test("its own certificate is not trusted", async () => {
    const { cert, key } = await makeProxyAuthority(["localhost"]);
    const { url, port } = await proxy({ tls: { cert, key } });
    const message = await told(url.replace("//", `//${user}:${password}@`));
    expect(message).toContain(`the certificate of the proxy https://localhost:${port} is not trusted (`);
    expect(message).toContain("): give this plugin its CA by SSL_CERT_FILE");
  });
  test("it speaks no TLS", async () => {
    const { url, port } = await proxy();
    expect(await told(url.replace("http://", `https://${user}:${password}@`))).toContain(
      `TLS with the proxy https://127.0.0.1:${port} fails (`,
    );
  });
  test("the name of a vault does not resolve there", async () => {
    const { port } = await proxy({ unresolved: "vault.localhost" });
    const message = await told(withCredentials(port));
    expect(message).toContain(
      `vault demo-vault: the proxy http://127.0.0.1:${port} cannot reach ${hosts().vault} (HTTP 503): check that name`,
    );
  });
  test("NODE_DEBUG, which would print its password, is refused at start", async () => {
    const started = plugin({ HTTPS_PROXY: withCredentials(3128), NODE_DEBUG: "http,https,net,tls" });
    const message = await started.then(String, (error: unknown) => (error as Error).message);
    expect(message).toContain("NODE_DEBUG would print the tokens and passwords of requests: remove it");
    expect(findLeaks([user, password], { message })).toEqual([]);
  });
  test("one that cannot be used ends the program at start", async () => {
    const started = plugin({ HTTPS_PROXY: `socks5://${user}:${password}@127.0.0.1:1080` });
    const message = await started.then(String, (error: unknown) => (error as Error).message);
    expect(message).toContain(
      "HTTPS_PROXY names no proxy that can be used: only proxies by http:// and https:// are supported",
    );
    expect(findLeaks([user, password], { message })).toEqual([]);
  });
});
