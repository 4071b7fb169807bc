import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/emulator/kubernetes/objects.ts";
import type { KeyType } from "../../src/emulator/vault/objects.ts";
import { parseRights } from "../../src/emulator/vault/access.ts";
import { commandsIn, fillIn, type PageBlock, type PageCommand } from "./markdown-page.ts";
import type { World } from "./world.ts";

/** Who a section of the page is about, and where the emulator's cloud file for it is. */
export interface Reader {
  readonly world: World;
  readonly vaultName: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly clientSecret: string;
  /** Of placeholders that are not above. */
  readonly values: Readonly<Record<string, string>>;
  /** Puts a certificate with its chain, as PFX, into the vault. */
  readonly importCertificate: (name: string) => void;
}

/** Does in the emulator what a shell block of the page does in Azure and in the cluster. Throws for a command it does not know. */
export async function runCommands(block: PageBlock, reader: Reader): Promise<void> {
  for (const command of commandsIn(fillIn(block.text, placeholders(reader)))) {
    const line = command.words.join(" ");
    const known = Object.keys(effects).find((words) => `${line} `.startsWith(`${words} `));
    if (known === undefined) throw new Error(`the emulator cannot play: ${line}`);
    await effects[known]?.(reader, command);
  }
}

/** Creates what a YAML block of the page describes, with the cloud of the emulator; gives the names of its pods. */
export async function applyManifests(block: PageBlock, reader: Reader): Promise<readonly string[]> {
  const documents = parseAllDocuments(fillIn(block.text, placeholders(reader)));
  const objects = documents.map((document) => withNamespace(document.toJS() as KubernetesObject));
  const ofKind = (kind: string): Manifest[] =>
    objects.filter((object) => object.kind === kind) as unknown as Manifest[];
  const pods = ofKind("Pod");
  for (const pod of pods) checkAccount(pod, ofKind("ServiceAccount"));
  for (const binding of ofKind("ClusterRoleBinding")) bindAccounts(binding, ofKind("ClusterRole"), reader);
  for (const binding of ofKind("AzureIdentityBinding")) bindPods(binding, ofKind("AzureIdentity"), pods, reader);
  for (const object of objects) {
    const unkept = !["Pod", "SecretProviderClass"].includes(object.kind);
    if (!unkept) await reader.world.emulator.cluster.put(await inEmulatorsCloud(object, reader));
    else if (!played.has(object.kind)) throw new Error(`the emulator cannot play a ${object.kind}`);
  }
  return pods.map(({ metadata }) => metadata.name);
}

/** What is said elsewhere than in the emulated cluster. */
const played = new Set([
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "AzureIdentity",
  "AzureIdentityBinding",
]);

/** The fields of the manifests that the page has. */
interface Manifest {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Record<string, string> };
  readonly spec: Readonly<Record<string, string>>;
  readonly rules: readonly Readonly<Record<"verbs" | "apiGroups" | "resources", readonly string[]>>[];
  readonly roleRef: { readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

function placeholders({ vaultName, tenantId, clientId, objectId, clientSecret, values }: Reader) {
  return {
    "key-vault-name": vaultName,
    "tenant-id": tenantId,
    "client-id": clientId,
    "principal-id": objectId,
    "client-secret": clientSecret,
    ...values,
  };
}

function withNamespace(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: Object.assign({ namespace: "default" }, object.metadata) };
}

/** The page's own cloud file, if the class names one; else the emulator's. */
async function inEmulatorsCloud(object: KubernetesObject, { world, values }: Reader): Promise<KubernetesObject> {
  if (object.kind !== "SecretProviderClass") return object;
  const { parameters, ...spec } = object["spec"] as { parameters: Record<string, string> };
  const isNamed = parameters["cloudName"] !== undefined;
  const file = join(world.dir, isNamed ? "page-cloud.json" : "emulator/cloud.json");
  if (isNamed) await writeFile(file, values["cloud-file"] ?? "");
  return {
    ...object,
    spec: { ...spec, parameters: { ...parameters, cloudName: "AzureStackCloud", cloudEnvFileName: file } },
  };
}

function checkAccount({ spec, metadata }: Manifest, accounts: readonly Manifest[]): void {
  const name = spec["serviceAccountName"];
  if (name !== undefined && !accounts.some((account) => account.metadata.name === name))
    throw new Error(`pod ${metadata.name} has service account ${name}, which the page does not create`);
}

function bindAccounts({ roleRef, subjects }: Manifest, roles: readonly Manifest[], reader: Reader): void {
  const rules = roles.filter(({ metadata }) => metadata.name === roleRef.name).flatMap((role) => role.rules);
  const allowed = rules.filter(
    ({ verbs, apiGroups }) => verbs.includes("use-managed-identity") && apiGroups.includes("cid.wi.aks.azure.com"),
  );
  for (const { namespace, name } of subjects)
    for (const clientId of allowed.flatMap(({ resources }) => resources))
      reader.world.emulator.tokenProxy.bindIdentity({
        ...principalOf(reader),
        clientId,
        subject: `system:serviceaccount:${namespace}:${name}`,
      });
}

function bindPods(
  { spec }: Manifest,
  identities: readonly Manifest[],
  pods: readonly Manifest[],
  reader: Reader,
): void {
  const identity = identities.find(({ metadata }) => metadata.name === spec["azureIdentity"]);
  const selected = pods.filter(({ metadata }) => metadata.labels?.["aadpodidbinding"] === spec["selector"]);
  for (const { metadata } of selected)
    reader.world.emulator.nmi.bind({
      ...principalOf(reader),
      clientId: identity?.spec["clientID"] ?? "",
      namespace: metadata.namespace,
      podName: metadata.name,
    });
}

function principalOf({ tenantId, clientId, objectId }: Reader) {
  return { tenantId, clientId, objectId };
}

type Effect = (reader: Reader, command: PageCommand) => void | Promise<void>;

/** What looks only, and what is there in the emulator from the start, or at all times. */
const nothing: Effect = () => undefined;

const effects: Readonly<Record<string, Effect>> = {
  "az account show": nothing,
  "az keyvault create": nothing,
  "az keyvault show": nothing,
  "az identity create": nothing,
  "az aks update": nothing,
  "az aks show": nothing,
  "az aks identity-binding create": nothing,
  "az vmss identity show": nothing,
  "az ad sp show": nothing,
  "kubectl label": nothing,
  // The emulator's vaults have access policies; the page's command for those is the one that counts.
  "az role assignment create": nothing,
  "kubectl create configmap": nothing,
  "az ad sp create-for-rbac": (reader) => {
    reader.world.emulator.entra.register({ ...principalOf(reader), clientSecret: reader.clientSecret });
  },
  "az keyvault set-policy": ({ world, vaultName }, { options }) => {
    const rightsFor = (option: string) => options.get(option) ?? [];
    const rights = {
      secrets: rightsFor("--secret-permissions"),
      keys: rightsFor("--key-permissions"),
      certificates: rightsFor("--certificate-permissions"),
    };
    world.emulator.vaults.named(vaultName).allow(one(options, "--object-id"), parseRights(rights));
  },
  "az keyvault secret set": ({ world, vaultName }, { options }) => {
    const vault = world.emulator.vaults.named(vaultName);
    const name = one(options, "-n");
    // Versions are told apart by the second in which they were made.
    const created = new Date(1_700_000_000_000 + vault.secrets.versions(name).length * 60_000);
    vault.setSecret(name, one(options, "--value"), { created });
  },
  "az keyvault key create": async ({ world, vaultName }, { options }) => {
    const curve = options.get("--curve")?.[0] as "P-384" | undefined;
    const shape = { kty: one(options, "--kty") as KeyType, ...(curve && { curve }) };
    await world.emulator.vaults.named(vaultName).createKey(one(options, "-n"), shape);
  },
  "az keyvault certificate import": ({ importCertificate }, { options }) => {
    importCertificate(one(options, "-n"));
  },
  "az identity federated-credential create": (reader, { options }) => {
    const { entra } = reader.world.emulator;
    const { tenantId, clientId } = reader;
    entra.register(principalOf(reader));
    const [issuer, subject, audience] = ["--issuer", "--subject", "--audiences"].map((name) => one(options, name));
    entra.federate({ tenantId, clientId, issuer: issuer ?? "", subject: subject ?? "", audience: audience ?? "" });
  },
  "az vmss identity assign": (reader, { options }) => {
    reader.world.emulator.imds.assign({ ...principalOf(reader), system: !options.has("--identities") });
  },
  "kubectl create secret generic": async ({ world }, { words, options }) => {
    const pairs = (options.get("--from-literal") ?? []).map((pair) => pair.split("=") as [string, string]);
    const metadata = { name: words.at(-1) ?? "", namespace: "default" };
    await world.emulator.cluster.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      stringData: Object.fromEntries(pairs),
    });
  },
};

function one(options: PageCommand["options"], name: string): string {
  const [value, ...more] = options.get(name) ?? [];
  if (value === undefined || more.length > 0) throw new Error(`${name} needs one value`);
  return value;
}
