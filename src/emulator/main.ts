import { readFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { parseArgs } from "node:util";
import { ClientSecretCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { startEmulator, type PartName } from "./emulator.ts";
import { createKubelet } from "./kubelet.ts";
import { createKubernetesClient } from "./kubernetes-client.ts";
import type { EmulatorSettings } from "./settings.ts";
import { openSigningKey } from "./signing-key.ts";

/** What the user did wrong, and what to do. */
class UsageError extends Error {}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: "string", default: ".emulator" },
    vault: { type: "string", default: "demo-vault" },
    socket: { type: "string", default: "" },
    root: { type: "string", default: "/var/lib/kubelet" },
    "any-port": { type: "boolean", default: false },
  },
});

const commands: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
  all: () => serve(["entra", "vault", "kubernetes"]),
  entra: () => serve(["entra"]),
  vault: () => serve(["vault"]),
  kubernetes: () => serve(["kubernetes"]),
  set: setSecrets,
  token: printToken,
  apply: applyFiles,
  kubelet: actAsKubelet,
};

const [command = "all", ...words] = positionals;
try {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) throw new UsageError(`there is no command ${command}. Try one of: ${Object.keys(commands).join(", ")}`);
  await run(words);
} catch (error) {
  console.error(`emulator: ${error instanceof Error ? error.message : "failed"}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function serve(parts: readonly PartName[]): Promise<void> {
  const ports = flags["any-port"] ? { entra: 0, vault: 0, kubernetes: 0 } : { entra: 8444, vault: 8443, kubernetes: 6443 };
  const { settings, stop } = await startEmulator({ dir: flags.dir, ports, parts });
  const vault = `https://demo-vault.${settings.vaultSuffix}`;
  console.log(`The emulator serves ${parts.join(", ")}; its files are in ${flags.dir} (ca.pem, cloud.json, kubeconfig).

Put a secret into the vault, and read it as an Azure client would:
  npm run emulator -- set DemoSecret=MyExampleSecret
  TOKEN=$(npm run --silent emulator -- token)
  curl --cacert ${flags.dir}/ca.pem -H "Authorization: Bearer $TOKEN" "${vault}/secrets/DemoSecret?api-version=7.4"

What was asked: curl ${settings.controlUrl}/counters
Ctrl-C stops it.`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
}

async function setSecrets(assignments: readonly string[]): Promise<void> {
  if (assignments.length === 0) throw new UsageError("set needs Name=Value");
  const settings = await connect();
  const client = new SecretClient(`https://${flags.vault}.${settings.vaultSuffix}`, adminCredential(settings));
  for (const assignment of assignments) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`${assignment} is not Name=Value`);
    const { properties } = await client.setSecret(name, value);
    console.log(`${flags.vault}/${name} has version ${properties.version ?? ""}`);
  }
}

async function printToken(): Promise<void> {
  const settings = await connect();
  const audience = `https://${settings.vaultSuffix}`;
  const token = await adminCredential(settings).getToken(`${audience}/.default`);
  console.log(token.token);
}

async function applyFiles(files: readonly string[]): Promise<void> {
  if (files.length === 0) throw new UsageError("apply needs a YAML file");
  const cluster = await connectCluster();
  for (const file of files)
    for (const applied of await cluster.apply(await readFile(file, "utf8"))) console.log(`${applied} configured`);
}

async function actAsKubelet([verb = "", pod = ""]: readonly string[]): Promise<void> {
  if (!["publish", "republish", "unpublish"].includes(verb) || pod === "" || flags.socket === "")
    throw new UsageError("kubelet needs: publish|republish|unpublish POD --socket PATH [--root DIR]");
  const signingKey = await openSigningKey(join(flags.dir, "service-account-key.json"));
  const kubelet = createKubelet({
    socketPath: flags.socket,
    root: flags.root,
    cluster: await connectCluster(),
    signingKey,
    tokensIn: "secrets",
  });
  if (verb === "unpublish") await kubelet.unpublish(pod);
  else for (const target of await kubelet.publish(pod)) console.log(target);
}

/** Reads where a started emulator is, and trusts its CA. */
async function connect(): Promise<EmulatorSettings> {
  const read = (name: string): Promise<string> =>
    readFile(join(flags.dir, name), "utf8").catch(() => {
      throw new Error(`no emulator has run in ${flags.dir}. Start one: npm run emulator`);
    });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await read("ca.pem")]);
  return JSON.parse(await read("emulator.json")) as EmulatorSettings;
}

async function connectCluster(): Promise<ReturnType<typeof createKubernetesClient>> {
  const { kubernetesUrl, adminToken } = await connect();
  const ca = await readFile(join(flags.dir, "ca.pem"), "utf8");
  return createKubernetesClient({ url: kubernetesUrl, ca, token: adminToken });
}

function adminCredential({ tenantId, admin, entraUrl }: EmulatorSettings): ClientSecretCredential {
  return new ClientSecretCredential(tenantId, admin.clientId, admin.clientSecret, {
    authorityHost: entraUrl,
    disableInstanceDiscovery: true,
  });
}
