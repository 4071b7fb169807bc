import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeProxyAuthority } from "../fakes/proxy-authority.ts";
import { startProxy, type RunningProxy } from "../fakes/proxy.ts";
import { startWorld, type PluginProcess, type World } from "../fakes/world.ts";

/** Nothing of the environment that the tests themselves run in, and no CA of the emulator. */
const bare = { NODE_EXTRA_CA_CERTS: "", SSL_CERT_FILE: "", SSL_CERT_DIR: "", NO_PROXY: "", no_proxy: "" };

let world: World;
let proxy: RunningProxy;
let plugin: PluginProcess | undefined;
/** The CA of the proxy: alone in a file, and in a directory under a hashed link. */
let caFile: string;
let caDir: string;
/** The CA of the emulator, which the proxy trusts. */
let behind: string;

beforeEach(async () => {
  world = await startWorld();
  world.emulator.vaults.named("demo-vault").setSecret("DemoSecret", "opened and closed");
  const { ca, cert, key } = await makeProxyAuthority(["login.localhost", "*.vault.localhost"]);
  caDir = join(world.dir, "certs");
  caFile = join(caDir, "proxy-cert.crt");
  await mkdir(caDir);
  await writeFile(caFile, ca);
  await writeFile(join(caDir, "notes.txt"), "no certificate");
  await symlink("proxy-cert.crt", join(caDir, "5ed36f99.0"));
  behind = await readFile(join(world.dir, "emulator/ca.pem"), "utf8");
  proxy = await startProxy({ intercept: { cert, key, ca: behind } });
});
afterEach(async () => {
  await plugin?.stop();
  plugin = undefined;
  await proxy.stop();
  await world.close();
});

async function mountWith(env: NodeJS.ProcessEnv, command = ["dist/main.js"]): Promise<string> {
  plugin = await world.startPlugin({ command, env: { ...bare, HTTPS_PROXY: proxy.url, ...env } });
  await world.createPod({ pod: "web" });
  return publish();
}

async function publish(): Promise<string> {
  return world.kubelet.publish("web").then(
    () => "mounted",
    (error: unknown) => (error as Error).message,
  );
}

test("a proxy that opens TLS is not trusted, and the remedy is told", async () => {
  expect(await mountWith({})).toMatch(
    new RegExp(
      `the certificate of login\\.localhost:\\d+, through the proxy ${proxy.url}, is not trusted \\([A-Z_]+\\): ` +
        "if the proxy opens TLS, give this plugin the proxy's CA by SSL_CERT_FILE",
    ),
  );
});

test.each(["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"])("%s makes it trusted", async (name) => {
  expect(await mountWith({ [name]: name === "SSL_CERT_DIR" ? `/nowhere:${caDir}` : caFile })).toBe("mounted");
  expect((await proxy.targets()).length).toBeGreaterThan(0);
});

test("so does a certificate mounted into the established image's directory", async () => {
  const script = 'mount --bind "$0" /etc/ssl/certs && exec "$@"';
  expect(await mountWith({}, ["unshare", "--mount", "sh", "-c", script, caDir, "dist/main.js"])).toBe("mounted");
});

test("the CA of one variable does not shut out those of another", async () => {
  const env = { SSL_CERT_FILE: caFile, NODE_EXTRA_CA_CERTS: join(world.dir, "emulator/ca.pem") };
  expect(await mountWith({ ...env, NO_PROXY: "vault.localhost" })).toBe("mounted");
});

test.each(["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"])(
  "%s that cannot be read ends the program at start",
  async (name) => {
    await expect(mountWith({ [name]: "/nowhere/ca.pem" })).rejects.toThrow(
      `${name}: /nowhere/ca.pem cannot be read (ENOENT): correct it, or unset it`,
    );
  },
);

test("NODE_TLS_REJECT_UNAUTHORIZED=0 ends the program at start", async () => {
  await expect(mountWith({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).rejects.toThrow(
    "NODE_TLS_REJECT_UNAUTHORIZED=0 would let anybody answer as a vault: remove it",
  );
});

test("a CA that has expired is told as that", async () => {
  const { ca, cert, key } = await makeProxyAuthority(["login.localhost", "*.vault.localhost"], { expired: true });
  await proxy.stop();
  proxy = await startProxy({ intercept: { cert, key, ca: behind } });
  await writeFile(caFile, ca);
  expect(await mountWith({ SSL_CERT_FILE: caFile })).toMatch(
    /the certificate of login\.localhost:\d+, through the proxy .*, is not trusted \(CERT_HAS_EXPIRED\): renew it, or correct the clock of this node/,
  );
});

test("what changes in a file at run time counts from the next start", async () => {
  const other = await makeProxyAuthority(["localhost"]);
  const right = await readFile(caFile, "utf8");
  await writeFile(caFile, other.ca);
  expect(await mountWith({ SSL_CERT_FILE: caFile })).toContain("is not trusted");
  await writeFile(caFile, right);
  expect(await publish()).toContain("is not trusted");
  await plugin?.stop();
  expect(await mountWith({ SSL_CERT_FILE: caFile })).toBe("mounted");
});
