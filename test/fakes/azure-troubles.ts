import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createPipelineRequest } from "@azure/core-rest-pipeline";
import type { Kubelet, PublishLimits } from "../../src/emulator/kubelet.ts";
import { entraRefusal } from "../../src/provider/azure/entra-refusal.ts";
import { parsePublishRequest } from "../../src/csi/publish-request.ts";
import { nmiSource } from "../../src/provider/azure/pod-identity.ts";
import { parseProxy } from "../../src/provider/azure/proxy.ts";
import { proxyFault } from "../../src/provider/azure/proxy-fault.ts";
import { createTokenProxy } from "../../src/provider/azure/token-proxy.ts";
import { networkFault } from "../../src/provider/azure/transport.ts";
import { vaultRefusal } from "../../src/provider/azure/vault-refusal.ts";
import { customCloud, nmiNowhere, tokenProxyNowhere } from "./azure-means.ts";
import { aContext, aPublishMessage } from "./messages.ts";
import { secretObject, type PodShape, type World } from "./world.ts";

/** A plugin that runs on the emulator, and what its pods are told. */
export interface Scene {
  readonly world: World;
  /** Any certificate, in PEM. */
  readonly certificatePem: string;
}

/** Makes an error happen; gives the message that a user would read. */
export type Trouble = (scene: Scene) => Promise<string>;

type Shape = Partial<PodShape>;

async function mount({ world }: Scene, shape: Shape, kubelet: Kubelet, limits: PublishLimits = {}): Promise<string> {
  const pod = `trouble-${randomUUID()}`;
  await world.createPod({ pod, ...shape });
  return kubelet.publish(pod, limits).then(
    () => "mounted",
    (error: unknown) => (error as Error).message,
  );
}

const withPod =
  (shape: Shape): Trouble =>
  (scene) =>
    mount(scene, shape, scene.world.kubelet);
const withClass = (parameters: Readonly<Record<string, string>>): Trouble => withPod({ parameters });
const withSecret = (credentials: Readonly<Record<string, string>>): Trouble => withPod({ credentials });
const withObjects = (objects: string): Trouble => withPod({ objects });
const withObject = (fields: Readonly<Record<string, string>>): Trouble =>
  withPod({ objects: secretObject("DemoSecret", fields) });
const withObjectNamed = (name: string, fields: Readonly<Record<string, string>> = {}): Trouble =>
  withPod({ objects: secretObject(name, fields) });
const withCloud =
  (settings: object): Trouble =>
  async (scene) => {
    const file = join(scene.world.dir, `cloud-${randomUUID()}.json`);
    const { entraUrl: activeDirectoryEndpoint, vaultSuffix: keyVaultDNSSuffix } = scene.world.emulator.settings;
    await writeFile(file, JSON.stringify({ activeDirectoryEndpoint, keyVaultDNSSuffix, ...settings }));
    return withClass({ cloudEnvFileName: file })(scene);
  };
const withTokens =
  (tokens: Parameters<World["kubeletWith"]>[0], parameters: Readonly<Record<string, string>>): Trouble =>
  (scene) =>
    mount(scene, { parameters }, scene.world.kubeletWith(tokens));

/** After the vault, or a part of the emulator, was prepared. */
const after =
  (prepare: (scene: Scene) => unknown, trouble: Trouble): Trouble =>
  async (scene) => {
    await prepare(scene);
    return trouble(scene);
  };
const demoVault = ({ world }: Scene) => world.emulator.vaults.named("demo-vault");
const otherVault = ({ world }: Scene) => world.emulator.vaults.named("other-vault");

/** An application of the pod's service account `default`, with a credential that does not fit. */
const federated =
  (change: Readonly<Record<string, string>>): Trouble =>
  (scene) => {
    const { settings, entra } = scene.world.emulator;
    const app = { tenantId: settings.tenantId, clientId: randomUUID(), objectId: randomUUID() };
    entra.register(app);
    const fit = {
      issuer: "https://kubernetes.default.svc.cluster.local",
      subject: "system:serviceaccount:default:default",
      audience: "api://AzureADTokenExchange",
    };
    entra.federate({ ...app, ...fit, ...change });
    return withClass({ clientID: app.clientId })(scene);
  };

/** While the token service answers so; a new application, whose token nobody has yet. */
const signInAnswered =
  (status: number): Trouble =>
  async (scene) => {
    const { settings, entra } = scene.world.emulator;
    const [clientid, clientsecret] = [randomUUID(), "secret"];
    entra.register({
      tenantId: settings.tenantId,
      clientId: clientid,
      clientSecret: clientsecret,
      objectId: randomUUID(),
    });
    entra.misbehave({ kind: "refuse", status });
    try {
      return await withSecret({ clientid, clientsecret })(scene);
    } finally {
      entra.behave();
    }
  };

/** What the emulator does not say itself: by the function that words it. */
const vaultSays =
  (code: string, innererror: string): Trouble =>
  () => {
    const vault = { name: "kv", url: "https://kv.vault.azure.net/" };
    const question = { vault, collection: "secrets", name: "DemoSecret", version: "" } as const;
    const parsedBody = { error: { code, message: "", innererror: { code: innererror } } };
    return Promise.resolve(vaultRefusal(question, { status: 403, parsedBody }, new Date()).message);
  };
const entraSays =
  (number: number): Trouble =>
  () => {
    const cloud = customCloud("https://login.example/", "vault.example");
    const account = { namespace: "default", name: "shop" };
    const token = { account, audience: "api://X", issuer: "https://i.example", expiresAt: new Date(), value: "" };
    const isSecret = number === 7000222;
    const client = isSecret
      ? ({ kind: "servicePrincipal", cloud, tenantId: "t", clientId: "c", clientSecret: "s" } as const)
      : ({ kind: "workload", cloud, tenantId: "t", clientId: "c", token } as const);
    const answer = { status: 400, body: JSON.stringify({ error_codes: [number] }) };
    return Promise.resolve(entraRefusal({ authority: "https://login.example/t", client }, answer, undefined).message);
  };
const networkSays =
  (code: string): Trouble =>
  () => {
    const error = Object.assign(new Error("hidden"), { name: "RestError", code });
    return Promise.resolve(networkFault("login.example", error, "remedy") ?? "");
  };
const proxySays =
  (code: string, status = 0): Trouble =>
  () => {
    const [variable, url] = ["HTTPS_PROXY", "http://proxy:3128"] as const;
    const proxy = parseProxy({ [variable]: url });
    if (proxy === undefined) throw new Error("no proxy");
    const message = status === 0 ? "timeout" : `HTTP ${status}`;
    return Promise.resolve(proxyFault({ proxy, host: "login.example", code, message }));
  };

/** Where the cluster's CA is not, and no server name was given. */
const tokenProxySays: Trouble = () => {
  const { policy } = createTokenProxy({ ...tokenProxyNowhere, sniName: "" });
  const unreachable = (): never => {
    throw new Error("sent");
  };
  const asked = policy.sendRequest(createPipelineRequest({ url: "https://login.example/t" }), unreachable);
  return asked.then(() => "sent", String);
};
/** Where aad-pod-identity does not run. */
const nmiSays: Trouble = () => {
  const pod = { namespace: "default", name: "web", uid: "u" };
  const identity = { kind: "pod", cloud: customCloud("https://login.example/", "vault.example"), pod } as const;
  const asked = nmiSource(identity, { url: nmiNowhere, timeoutMs: 1_000 })("any");
  return asked.then(() => "a token", String);
};
/** As from a CSIDriver object that does not ask for the pod's name. */
const withoutPodInfo: Trouble = async () => {
  const volumeContext = aContext({ "csi.storage.k8s.io/pod.name": undefined });
  return Promise.resolve()
    .then(() => parsePublishRequest(aPublishMessage({ volumeContext }), "all"))
    .then(() => "taken", String);
};

const switches = { useVMManagedIdentity: "true" };
const key = { objectType: "key" };

/** By the text of docs/azure.md that it leads to. */
export const troubles: Readonly<Record<string, Trouble>> = {
  "RESPONSE 403: 403 Forbidden, ERROR CODE: Forbidden, INNER ERROR CODE: ForbiddenByRbac": vaultSays(
    "Forbidden",
    "ForbiddenByRbac",
  ),
  "RESPONSE 403: 403 Forbidden, ERROR CODE: Forbidden, INNER ERROR CODE: AccessDenied": withClass({
    keyvaultName: "other-vault",
  }),
  "INNER ERROR CODE: ForbiddenByFirewall": vaultSays("Forbidden", "ForbiddenByFirewall"),
  "INNER ERROR CODE: ForbiddenByConnection": vaultSays("Forbidden", "ForbiddenByConnection"),
  "RESPONSE 404: 404 Not Found, ERROR CODE: SecretNotFound": withObjectNamed("nothing"),
  "ERROR CODE: KeyNotFound": withObjectNamed("nothing", key),
  "ERROR CODE: CertificateNotFound": withObjectNamed("nothing", { objectType: "cert" }),
  "failed to get credentials, nodePublishSecretRef secret is not set": withSecret({}),
  "could not find clientid in secrets": withSecret({ clientsecret: "s" }),
  "could not find clientsecret in secrets": withSecret({ clientid: "c", clientsecret: " " }),
  "ERROR CODE: AADSTS7000215. The client secret is wrong": (scene) =>
    withSecret({ clientid: scene.world.emulator.settings.demo.clientId, clientsecret: "wrong" })(scene),
  "ERROR CODE: AADSTS7000222. The client secret has expired": entraSays(7000222),
  "ERROR CODE: AADSTS700213. No federated credential of the application fits": federated({
    subject: "system:serviceaccount:default:other",
  }),
  "ERROR CODE: AADSTS700211. No federated credential": federated({ issuer: "https://other.example" }),
  "ERROR CODE: AADSTS700212. No federated credential": federated({ audience: "api://other" }),
  "ERROR CODE: AADSTS70021. No federated credential": entraSays(70021),
  "ERROR CODE: AADSTS700016. The tenant does not know the application": withSecret({
    clientid: randomUUID(),
    clientsecret: "s",
  }),
  "ERROR CODE: AADSTS90002. The tenant does not exist": withClass({ tenantId: randomUUID() }),
  "ERROR CODE: AADSTS900021. The tenant does not exist": entraSays(900021),
  "ERROR CODE: AADSTS900023. The tenant is neither a GUID nor a verified domain": entraSays(900023),
  "ERROR CODE: AADSTS700024. The service account token is not valid at this time": entraSays(700024),
  "ERROR CODE: AADSTS7000112. The application is disabled": entraSays(7000112),
  "ERROR CODE: AADSTS53003. Conditional access keeps the application out": entraSays(53003),
  "ERROR CODE: AADSTS500011. The tenant does not know Key Vault as a resource": entraSays(500011),
  'failed to get secretproviderclass <namespace>/<name>, error: secretproviderclasses.secrets-store.csi.x-k8s.io "<name>" not found':
    withPod({ attributes: { secretProviderClass: "nowhere" } }),
  "keyvaultName is not provided": withClass({ keyvaultName: " " }),
  "tenantId is not provided": withClass({ tenantId: "" }),
  "objects is not set": withObjects(" "),
  "failed to yaml unmarshal objects, error: yaml: ": withObjects(
    "array:\n  - objectName: DemoSecret\n    objectType: secret\n",
  ),
  "unmarshal failed for keyVaultObjects at index <n>, error: yaml: ": withObject({ objectVersionHistory: '"5"' }),
  "Invalid vaultObjectTypes. Should be secret, key, or cert": withObject({ objectType: "Secret" }),
  "<host> does not resolve (<code>): check keyvaultName": withCloud({ keyVaultDNSSuffix: "vault.invalid" }),
  "<host> does not resolve (<code>): check the DNS of this node": withCloud({
    activeDirectoryEndpoint: "https://login.invalid/",
  }),
  "<host> refuses connections (<code>): check the network between this node and it": withCloud({
    keyVaultDNSSuffix: "vault.localhost:1",
  }),
  "<host> broke the connection (<code>)": after(
    (scene) => {
      // A connection that breaks before any answer is tried once more.
      otherVault(scene).misbehave({ kind: "drop", requests: 2 });
    },
    withClass({ keyvaultName: "other-vault" }),
  ),
  "<host> cannot be reached (<code>)": networkSays("EHOSTUNREACH"),
  "the certificate of <host> is not trusted (<code>)": networkSays("SELF_SIGNED_CERT_IN_CHAIN"),
  "the certificate of <host>, through <proxy>, is not trusted": proxySays("SELF_SIGNED_CERT_IN_CHAIN"),
  "the proxy <proxy> wants credentials or refuses those it got (HTTP 407)": proxySays("PROXY_TUNNEL", 407),
  "the proxy <proxy> refuses to connect to <host> (HTTP <status>)": proxySays("PROXY_TUNNEL", 403),
  "the proxy <proxy> cannot be reached (<code>)": proxySays("ECONNREFUSED"),
  "the proxy <proxy> does not resolve (<code>)": proxySays("ENOTFOUND"),
  "the proxy <proxy> cannot reach <host> (HTTP <status>)": proxySays("PROXY_TUNNEL", 502),
  "the proxy <proxy> does not connect to <host>": proxySays("PROXY_TUNNEL"),
  "metadata service: RESPONSE 400: 400 Bad Request. The node does not have that identity": withClass({
    ...switches,
    userAssignedIdentityID: randomUUID(),
  }),
  "failed to parse workload identity tokens, error: service account tokens not found": withTokens(
    { tokensIn: "none" },
    { clientID: "c" },
  ),
  "token for audience <audience> not found": withTokens({ audiences: ["api://other"] }, { clientID: "c" }),
  "token for audience <audience> has expired": withTokens({ tokenLifetimeS: -60 }, { clientID: "c" }),
  "INNER ERROR CODE: SecretDisabled": after((scene) => {
    demoVault(scene).setSecret("off", "v", { enabled: false });
  }, withObjectNamed("off")),
  "RESPONSE 401: 401 Unauthorized": async (scene) => {
    const [tenantId, clientid, clientsecret] = [randomUUID(), randomUUID(), "secret"];
    scene.world.emulator.entra.register({
      tenantId,
      clientId: clientid,
      clientSecret: clientsecret,
      objectId: randomUUID(),
    });
    return withPod({ credentials: { clientid, clientsecret }, parameters: { tenantId } })(scene);
  },
  "readonly must be true: set readOnly: true on the pod's csi volume": withPod({ readOnly: false }),
  "volume_context secretProviderClass is missing": withPod({ attributes: { secretProviderClass: "" } }),
  'provider not found: provider "<name>"': withPod({ provider: "vault" }),
  "provider not set in secretproviderclass": withPod({ provider: "" }),
  "missing object versions: secretproviderclass <class> names no objects": withObjects("array: []"),
  'Invalid vault name: "<name>", must be between 3 and 24 chars': withClass({
    keyvaultName: "https://demo-vault.vault.azure.net",
  }),
  'Invalid vault name: "<name>", must match [-a-zA-Z0-9]{3,24}': withClass({ keyvaultName: "demo_vault" }),
  "only one identity mode can be enabled at a time": withClass({ ...switches, usePodIdentity: "true" }),
  "failed to parse <switch> flag, error: strconv.ParseBool": withClass({ usePodIdentity: "yes" }),
  "file name must not be empty": withObjectNamed(""),
  "file name must be a relative path": withObject({ objectAlias: "/etc/passwd" }),
  "file name must not contain '..'": withObject({ objectAlias: "a..b" }),
  'invalid file path "<path>": it is not in clean form': withObject({ objectAlias: "folder/" }),
  '"<path>" cannot be a file and the directory of': withObjects(
    `${secretObject("DemoSecret")}${secretObject("DemoSecret", { objectAlias: "DemoSecret/file" }).slice("array:\n".length)}`,
  ),
  "file permission must be a valid octal number": withObject({ filePermission: "0o644" }),
  "invalid objectFormat: <format>, should be PEM or PFX": withObject({ objectFormat: "pkcs12" }),
  "PFX format only supported for objectType: secret": withObject({ objectFormat: "pfx", ...key }),
  "objectEncoding only supported for objectType: secret": withObject({ objectEncoding: "utf-8", ...key }),
  "invalid objectEncoding: <encoding>, should be hex, base64 or utf-8": withObject({ objectEncoding: "base32" }),
  "illegal base64 data at input byte <n>": withObject({ objectEncoding: "base64" }),
  "encoding/hex: invalid byte at position <n>": withObject({ objectEncoding: "hex" }),
  "encoding/hex: odd length hex string": after(
    (scene) => {
      demoVault(scene).setSecret("odd", "abc");
    },
    withObjectNamed("odd", { objectEncoding: "hex" }),
  ),
  "failed to get key. key type '<type>' currently not supported": after(
    (scene) => demoVault(scene).createKey("symmetric", { kty: "oct-HSM" }),
    withObjectNamed("symmetric", key),
  ),
  "curve <curve> is not supported": after(
    (scene) => demoVault(scene).createKey("koblitz", { kty: "EC", curve: "P-256K" }),
    withObjectNamed("koblitz", key),
  ),
  "failed to get certificate. unknown content type": after((scene) => {
    const { certificatePem } = scene;
    demoVault(scene).importCertificate("strange", { certificatePem, secret: "", contentType: "text/html" });
  }, withObjectNamed("strange")),
  "pkcs12: the value is no PFX, or a damaged one": after((scene) => {
    const { certificatePem } = scene;
    demoVault(scene).importCertificate("damaged", {
      certificatePem,
      secret: "AAAA",
      contentType: "application/x-pkcs12",
    });
  }, withObjectNamed("damaged")),
  "throttled: vault <name> limits requests": async (scene) => {
    scene.world.emulator.vaults.named("third-vault").misbehave({ kind: "refuse", status: 429, retryAfterS: 600 });
    // Shorter than the pause, so that it is told at once.
    return mount(scene, { parameters: { keyvaultName: "third-vault" } }, scene.world.kubelet, { deadlineMs: 60_000 });
  },
  "Vault <name> is out of order; the next attempt comes by itself": after(
    (scene) => {
      otherVault(scene).misbehave({ kind: "refuse", status: 503, requests: 1 });
    },
    withClass({ keyvaultName: "other-vault" }),
  ),
  "RESPONSE 429: 429 Too Many Requests": signInAnswered(429),
  "Entra ID is out of order; the next attempt comes by itself": signInAnswered(503),
  "clientID is required for identity binding": withClass({ useAzureTokenProxy: "true" }),
  "service account tokens are required for identity binding": withTokens(
    { tokensIn: "none" },
    { useAzureTokenProxy: "true", clientID: "c" },
  ),
  "proxy transport not available: compute SNI name: extract cluster ID from API server certificate: ": tokenProxySays,
  "volume_context csi.storage.k8s.io/pod.name is missing": withoutPodInfo,
  "nmi response failed with status code: 404": withClass({ usePodIdentity: "true" }),
  "nmi at <address> cannot be reached": nmiSays,
  "nmi at <address> broke the connection": after(
    ({ world }) => {
      world.emulator.nmi.misbehave({ kind: "drop", requests: 1 });
    },
    withClass({ usePodIdentity: "true" }),
  ),
  "cloudName <name> is not valid, error: autorest/azure: There is no cloud environment matching the name": withClass({
    cloudName: "AzureCloud1",
  }),
  "cloudName <name> is not valid, error: open <path>: no such file or directory": withClass({
    cloudEnvFileName: "/nowhere/stack.json",
  }),
  "a cloud file must not lie below kubelet's directory": withClass({ cloudEnvFileName: "/proc/version" }),
  "not a regular file": withClass({ cloudEnvFileName: "/etc" }),
  "must be a string": withCloud({ keyVaultEndpoint: 7 }),
  "keyVaultDNSSuffix of the cloud file must be a DNS name": withCloud({ keyVaultDNSSuffix: "https://vault.example/" }),
  "cannot use an authority host without https": withCloud({ activeDirectoryEndpoint: "http://login.example/" }),
  "invalid tenantID. You can locate your tenantID": withClass({ tenantId: "my tenant" }),
  "objects names <n> objects, more than the limit of <limit>": withObjects(
    `array:${"\n  - |\n    objectName: a".repeat(501)}`,
  ),
};
