import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectTo } from "node:net";
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

const options = {
  dir: { type: "string", default: ".emulator" },
  vault: { type: "string", default: "demo-vault" },
  socket: { type: "string", default: "" },
  root: { type: "string", default: "/var/lib/kubelet" },
  "any-port": { type: "boolean", default: false },
  public: { type: "string", default: "" },
  rtt: { type: "string", default: "0" },
  help: { type: "boolean", short: "h", default: false },
} as const;

const help = `An emulated Azure and Kubernetes API, on this machine alone.

Serve, until Ctrl-C:
  npm run emulator                                  all of it: token service, vaults, Kubernetes API
  npm run emulator -- entra | vault | kubernetes    one part
Use one that runs:
  npm run emulator -- set Name=Value …              a new version of a secret
  npm run --silent emulator -- token                a token that may do everything in the vaults
  npm run emulator -- apply FILE.yaml …             objects for the Kubernetes API
  npm run emulator -- kubelet publish POD --socket PATH    what kubelet would do; also republish, unpublish

  --dir DIR          where its files are: ca.pem, cloud.json, kubeconfig, emulator.json (.emulator)
  --any-port         ports that are free, in place of 8443, 8444 and 6443
  --public ADDRESS   serve under the public cloud's names, too, at port 443 of this address
  --rtt MS           how far away Azure is (0)
  --vault NAME       for set: which vault (demo-vault)
  --socket PATH      for kubelet: the plugin's CSI socket
  --root DIR         for kubelet: its root directory (/var/lib/kubelet)`;

const { values: flags, positionals } = readArguments();

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
  const run = flags.help ? tellHelp : Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined)
    throw new UsageError(`there is no command ${command}. Try one of: ${Object.keys(commands).join(", ")}`);
  await run(words);
} catch (error) {
  complain(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

function readArguments(): ReturnType<typeof parseArgs<{ allowPositionals: true; options: typeof options }>> {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    complain(error);
    process.exit(2);
  }
}

function tellHelp(): Promise<void> {
  console.log(help);
  return Promise.resolve();
}

/** One line, whatever the message. */
function complain(error: unknown): void {
  const message = error instanceof Error ? error.message : "failed";
  console.error(`emulator: ${message.replaceAll(/\s*\n\s*/g, " ")}`);
}

async function serve(parts: readonly PartName[]): Promise<void> {
  const ports = flags["any-port"]
    ? { entra: 0, vault: 0, kubernetes: 0 }
    : { entra: 8444, vault: 8443, kubernetes: 6443 };
  const publicAddress = flags.public === "" ? {} : { publicAddress: flags.public };
  if (!/^\d+$/.test(flags.rtt)) throw new UsageError("--rtt needs a number of milliseconds");
  const rttMs = Number(flags.rtt);
  const { settings, stop } = await startEmulator({ dir: flags.dir, ports, parts, rttMs, ...publicAddress });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
  const vault = `https://demo-vault.${settings.vaultSuffix}`;
  console.log(`The emulator serves ${parts.join(", ")}; its files are in ${flags.dir} (ca.pem, cloud.json, kubeconfig).

Put a secret into the vault, and read it as an Azure client would:
  npm run emulator -- set DemoSecret=MyExampleSecret
  TOKEN=$(npm run --silent emulator -- token)
  curl --cacert ${flags.dir}/ca.pem -H "Authorization: Bearer $TOKEN" "${vault}/secrets/DemoSecret?api-version=7.4"

What was asked: curl ${settings.controlUrl}/counters
Ctrl-C stops it.`);
}

async function setSecrets(assignments: readonly string[]): Promise<void> {
  if (assignments.length === 0) throw new UsageError("set needs Name=Value");
  const settings = await connect("entraUrl");
  const client = new SecretClient(`https://${flags.vault}.${settings.vaultSuffix}`, adminCredential(settings), {
    retryOptions: { maxRetries: 0 },
  });
  for (const assignment of assignments) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`${assignment} is not Name=Value`);
    const { properties } = await client.setSecret(name, value);
    console.log(`${flags.vault}/${name} has version ${properties.version ?? ""}`);
  }
}

async function printToken(): Promise<void> {
  const settings = await connect("entraUrl");
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

/** Reads where a started emulator is, makes sure that the needed part is there, and trusts its CA. */
async function connect(part: "entraUrl" | "kubernetesUrl"): Promise<EmulatorSettings> {
  const read = (name: string): Promise<string> =>
    readFile(join(flags.dir, name), "utf8").catch(() => {
      throw new Error(`no emulator has run in ${flags.dir}. Start one: npm run emulator`);
    });
  tls.setDefaultCACertificates([...tls.getCACertificates(), await read("ca.pem")]);
  const settings = JSON.parse(await read("emulator.json")) as EmulatorSettings;
  await reach(settings[part]);
  return settings;
}

/** A stopped emulator leaves its addresses behind; Azure's libraries would not say that nobody answers there. */
async function reach(url: string): Promise<void> {
  const socket = connectTo({ host: "127.0.0.1", port: Number(new URL(url).port) });
  await once(socket, "connect").catch(() => {
    throw new Error(`nothing answers at ${url}: the emulator has stopped. Start it again: npm run emulator`);
  });
  socket.destroy();
}

async function connectCluster(): Promise<ReturnType<typeof createKubernetesClient>> {
  const { kubernetesUrl, adminToken } = await connect("kubernetesUrl");
  const ca = await readFile(join(flags.dir, "ca.pem"), "utf8");
  return createKubernetesClient({ url: kubernetesUrl, ca, token: adminToken });
}

function adminCredential({ tenantId, admin, entraUrl }: EmulatorSettings): ClientSecretCredential {
  return new ClientSecretCredential(tenantId, admin.clientId, admin.clientSecret, {
    authorityHost: entraUrl,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
}
