import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** An application and the secret that proves it. */
export interface ServicePrincipal {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly objectId: string;
}

/** What a started emulator tells others, in `<dir>/emulator.json`. Addresses of parts that do not run are where they would be. */
export interface EmulatorSettings {
  readonly tenantId: string;
  readonly entraUrl: string;
  /** What follows a vault's name in its address: `https://<vault>.<suffix>/`. */
  readonly vaultSuffix: string;
  readonly kubernetesUrl: string;
  /** 24 hex digits; in the API server's certificate, and what the token proxy's name is made of. */
  readonly clusterId: string;
  /** The TLS server name by which the token proxy is reached at the API server's port. */
  readonly tokenProxyName: string;
  /** Of the VM's metadata service: what AZURE_POD_IDENTITY_AUTHORITY_HOST is set to. */
  readonly imdsUrl: string;
  /** Of aad-pod-identity's NMI. */
  readonly nmiUrl: string;
  readonly controlUrl: string;
  /** May get from demo-vault. */
  readonly demo: ServicePrincipal;
  /** May do everything in every vault. */
  readonly admin: ServicePrincipal;
  readonly adminToken: string;
  readonly pluginToken: string;
}

/** Who exists; kept in `<dir>/identities.json`, so that parts started apart agree. */
export type Identities = Pick<
  EmulatorSettings,
  "tenantId" | "demo" | "admin" | "adminToken" | "pluginToken" | "clusterId"
>;

export async function openIdentities(dir: string): Promise<Identities> {
  const file = join(dir, "identities.json");
  const kept = existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Partial<Identities>) : {};
  const identities = { ...makeIdentities(), ...kept };
  if (Object.keys(kept).length < Object.keys(identities).length) {
    await mkdir(dir, { recursive: true });
    await writeFile(file, JSON.stringify(identities), { mode: 0o600 });
  }
  return identities;
}

function makeIdentities(): Identities {
  const token = (): string => randomBytes(24).toString("base64url");
  const principal = (): ServicePrincipal => ({ clientId: randomUUID(), clientSecret: token(), objectId: randomUUID() });
  return {
    tenantId: randomUUID(),
    demo: principal(),
    admin: principal(),
    adminToken: token(),
    pluginToken: token(),
    clusterId: randomBytes(12).toString("hex"),
  };
}

/** Writes everything that clients of the emulator need into `dir`. */
export async function writeSettings(dir: string, settings: EmulatorSettings): Promise<void> {
  const ca = await readFile(join(dir, "ca.pem"), "utf8");
  const account = join(dir, "serviceaccount");
  await mkdir(account, { recursive: true });
  await Promise.all([
    writeFile(join(dir, "cloud.json"), JSON.stringify(cloudOf(settings), null, 2)),
    writeFile(join(dir, "kubeconfig"), kubeconfigOf(settings.kubernetesUrl, ca, settings.pluginToken), { mode: 0o600 }),
    writeFile(join(account, "token"), settings.pluginToken, { mode: 0o600 }),
    writeFile(join(account, "ca.crt"), ca),
    writeFile(join(account, "namespace"), "kube-system"),
  ]);
  await writeFile(join(dir, "emulator.json"), JSON.stringify(settings, null, 2), { mode: 0o600 });
}

/** A cloud file as Azure Stack users have one. */
function cloudOf({ entraUrl, vaultSuffix }: EmulatorSettings): object {
  return {
    name: "AzureStackCloud",
    activeDirectoryEndpoint: `${entraUrl}/`,
    keyVaultEndpoint: `https://${vaultSuffix}/`,
    keyVaultDNSSuffix: vaultSuffix,
  };
}

function kubeconfigOf(server: string, ca: string, token: string): string {
  const cluster = { server, "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "emulator", cluster }],
    users: [{ name: "plugin", user: { token } }],
    contexts: [{ name: "emulator", context: { cluster: "emulator", user: "plugin" } }],
    "current-context": "emulator",
  });
}
