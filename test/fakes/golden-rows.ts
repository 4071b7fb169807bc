import type { Emulator } from "../../src/emulator/emulator.ts";
import { tokensKey } from "./messages.ts";
import { secretObject, type PodShape } from "./world.ts";

/**
 * The complete messages of azure-provider, appendix A, as the real program gives them. `says` is the pair's
 * text, byte by byte up to the first byte of a response body or of a secret, of which nothing is ever told; `more` is what
 * we say behind it: which object it was, and the remedy. The codes are ours (errors.ts); the pair's are all UNKNOWN.
 *
 * Kubelet gets them with the driver's beginning, the established driver by azure.sock. The rows about raw JSON are those of
 * the socket alone, and are in its test; so is that of secrets `{}`, which in kubelet's message is the same as none.
 */
export interface GoldenRow {
  readonly request: string;
  readonly shape: Omit<PodShape, "pod">;
  readonly code: number;
  readonly says: string;
  readonly more?: string;
}

const INVALID = 3;
const DENIED = 7;
const INTERNAL = 13;

const object = (kind: string, name: string, more: Readonly<Record<string, string>> = {}): string =>
  secretObject(name, { objectType: kind, ...more });
const named = (kind: string, name: string): string => `objectType:${kind}, objectName:${name}, objectVersion:`;
const nothing = { keyvaultName: "", tenantId: "", cloudName: "", cloudEnvFileName: "", objects: "" };

export const goldenRows: readonly GoldenRow[] = [
  {
    request: "pod name and namespace only",
    shape: { parameters: nothing },
    code: INVALID,
    says: "keyvaultName is not provided",
  },
  {
    request: "+ keyvaultName",
    shape: { parameters: { ...nothing, keyvaultName: "kv1" } },
    code: INVALID,
    says: "tenantId is not provided",
  },
  ...["usePodIdentity", "useVMManagedIdentity", "useAzureTokenProxy"].map((flag) => ({
    request: `${flag} tru`,
    shape: { parameters: { [flag]: "tru" } },
    code: INVALID,
    says: `failed to parse ${flag} flag, error: strconv.ParseBool: parsing "tru": invalid syntax`,
  })),
  {
    request: "usePodIdentity and useVMManagedIdentity true",
    shape: { parameters: { usePodIdentity: "true", useVMManagedIdentity: "true" } },
    code: INVALID,
    says: "only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy",
  },
  {
    request: "usePodIdentity and useAzureTokenProxy true",
    shape: { parameters: { usePodIdentity: "true", useAzureTokenProxy: "1" } },
    code: INVALID,
    says: "only one identity mode can be enabled at a time: usePodIdentity, useVMManagedIdentity, or useAzureTokenProxy",
  },
  {
    request: "cloudName AzureCloud1",
    shape: { parameters: { cloudName: "AzureCloud1" } },
    code: INVALID,
    says: 'cloudName AzureCloud1 is not valid, error: autorest/azure: There is no cloud environment matching the name "AZURECLOUD1"',
  },
  {
    request: "cloudName AzureStackCloud, file missing",
    shape: { parameters: { cloudName: "AzureStackCloud", cloudEnvFileName: "/etc/kubernetes/akscustom.json" } },
    code: INVALID,
    says: "cloudName AzureStackCloud is not valid, error: open /etc/kubernetes/akscustom.json: no such file or directory",
  },
  {
    request: "no identity, secrets null",
    shape: { credentials: {} },
    code: INVALID,
    says: "failed to build auth config for mode None: failed to get credentials, nodePublishSecretRef secret is not set",
    more: ": set it on the pod's volume, or choose another identity in the SecretProviderClass (clientID, useVMManagedIdentity)",
  },
  {
    request: "no identity, secrets without a client id",
    shape: { credentials: { clientsecret: "s" } },
    code: INVALID,
    says: "failed to build auth config for mode None: could not find clientid in secrets",
    more: ": the Secret that nodePublishSecretRef names needs the keys clientid and clientsecret",
  },
  {
    request: "no identity, secrets without a client secret",
    shape: { credentials: { ClientID: "c" } },
    code: INVALID,
    says: "failed to build auth config for mode None: could not find clientsecret in secrets",
    more: ": the Secret that nodePublishSecretRef names needs the keys clientid and clientsecret",
  },
  {
    request: "service principal, no objects",
    shape: { objects: " " },
    code: INVALID,
    says: "objects is not set",
  },
  {
    request: "objects a bare list",
    shape: { objects: "- a" },
    code: INVALID,
    // The pair breaks the line here; an error of ours is one line.
    says: "failed to yaml unmarshal objects, error: yaml: unmarshal errors:",
    more: " line 1: cannot unmarshal !!seq into struct",
  },
  {
    request: "objectFormat pkcs",
    shape: { objects: object("secret", "secret1", { objectFormat: "pkcs" }) },
    code: INVALID,
    says: `failed to get ${named("secret", "secret1")}: invalid objectFormat: pkcs, should be PEM or PFX`,
  },
  {
    request: "objectEncoding utf-16",
    shape: { objects: object("secret", "secret1", { objectEncoding: "utf-16" }) },
    code: INVALID,
    says: `failed to get ${named("secret", "secret1")}: invalid objectEncoding: utf-16, should be hex, base64 or utf-8`,
  },
  {
    request: "objectName and alias empty",
    shape: { objects: object("secret", "") },
    code: INVALID,
    says: `failed to get ${named("secret", "")}: file name must not be empty`,
  },
  {
    request: "keyvaultName kv, one valid object",
    shape: { parameters: { keyvaultName: "kv" } },
    code: INVALID,
    says: 'failed to get vault: Invalid vault name: "kv", must be between 3 and 24 chars',
  },
  {
    request: "keyvaultName kv_test, one valid object",
    shape: { parameters: { keyvaultName: "kv_test" } },
    code: INVALID,
    says: 'failed to get vault: Invalid vault name: "kv_test", must match [-a-zA-Z0-9]{3,24}',
  },
  {
    // The vault's name is judged after the objects.
    request: "keyvaultName kv, a bad object",
    shape: { parameters: { keyvaultName: "kv" }, objects: object("secret", "") },
    code: INVALID,
    says: `failed to get ${named("secret", "")}: file name must not be empty`,
  },
  {
    request: "objectType Secret",
    shape: { objects: object("Secret", "secret1") },
    code: INVALID,
    says: `failed to get ${named("Secret", "secret1")}: Invalid vaultObjectTypes. Should be secret, key, or cert`,
  },
  {
    request: "oct-HSM key",
    shape: { objects: object("key", "k") },
    code: INTERNAL,
    says: `failed to get ${named("key", "k")}: failed to get key. key type 'oct-HSM' currently not supported`,
  },
  {
    request: "P-256K key",
    shape: { objects: object("key", "koblitz") },
    code: INTERNAL,
    says: `failed to get ${named("key", "koblitz")}: curve P-256K is not supported`,
  },
  {
    request: "value zz, encoding hex",
    shape: { objects: object("secret", "secret1", { objectEncoding: "hex" }) },
    code: INTERNAL,
    // The pair goes on with the first bad character: a byte of the secret.
    says: "encoding/hex: invalid byte",
    more: ` at position 0 (${named("secret", "secret1")}): check objectEncoding`,
  },
  {
    request: "value zz, encoding base64",
    shape: { objects: object("secret", "secret1", { objectEncoding: "base64" }) },
    code: INTERNAL,
    says: "illegal base64 data at input byte 0",
    more: ` (${named("secret", "secret1")}): check objectEncoding`,
  },
  {
    request: "vault 404",
    shape: { objects: object("secret", "missing") },
    code: INTERNAL,
    // The pair goes on with the body, in many lines.
    says: `failed to get ${named("secret", "missing")}: GET https://demo-vault.<suffix>/secrets/missing/`,
    more: ": RESPONSE 404: 404 Not Found, ERROR CODE: SecretNotFound. Check objectName, objectType and objectVersion, or create it in vault demo-vault",
  },
  {
    request: "vault 403",
    shape: { parameters: { keyvaultName: "other-vault" }, objects: object("secret", "secret1") },
    code: DENIED,
    says: `failed to get ${named("secret", "secret1")}: GET https://other-vault.<suffix>/secrets/secret1/`,
    more:
      ": RESPONSE 403: 403 Forbidden, ERROR CODE: Forbidden, INNER ERROR CODE: AccessDenied, caller appid=<caller>. " +
      "Let an access policy of vault other-vault allow the caller to get secrets",
  },
  {
    // The pair breaks the line.
    request: "objectType of two lines",
    shape: { objects: object("secret", "secret1", { objectType: '"a\\nb"' }) },
    code: INVALID,
    says: "failed to get objectType:a",
    more: "\\u000ab, objectName:secret1, objectVersion:: Invalid vaultObjectTypes. Should be secret, key, or cert",
  },
];

/** The same of those who prove themselves otherwise than by a client secret; what stands behind `says` is not held here. */
export const goldenIdentityRows: readonly GoldenRow[] = [
  {
    request: "clientID, no tokens",
    shape: { parameters: { clientID: "c" } },
    code: INVALID,
    says: "failed to build auth config for mode None: failed to parse workload identity tokens, error: service account tokens not found",
  },
  {
    // The pair parses tokens here and says so; we ignore clientID in this mode, so the next fault is told.
    request: "clientID, useVMManagedIdentity true, no tokens",
    shape: { parameters: { clientID: "c", useVMManagedIdentity: "true" }, objects: " " },
    code: INVALID,
    says: "objects is not set",
  },
  {
    request: "clientID, tokens for another audience",
    shape: { parameters: { clientID: "c" }, attributes: { [tokensKey]: '{"other":{"token":"t"}}' } },
    code: INVALID,
    says: "failed to build auth config for mode None: failed to parse workload identity tokens, error: token for audience api://AzureADTokenExchange not found",
  },
  {
    // Behind it the pair quotes its JSON parser; Node's would quote a token.
    request: "clientID, tokens that are no JSON",
    shape: { parameters: { clientID: "c" }, attributes: { [tokensKey]: "invalid" } },
    code: INVALID,
    says: "failed to build auth config for mode None: failed to parse workload identity tokens, error: failed to unmarshal service account tokens",
  },
  {
    request: "useAzureTokenProxy, no clientID",
    shape: { parameters: { useAzureTokenProxy: "true" } },
    code: INVALID,
    says: "failed to build auth config for mode AzureTokenProxy: clientID is required for identity binding",
  },
  {
    request: "useAzureTokenProxy, no tokens",
    shape: { parameters: { useAzureTokenProxy: "true", clientID: "c" } },
    code: INVALID,
    says: "failed to build auth config for mode AzureTokenProxy: service account tokens are required for identity binding",
  },
  {
    request: "useAzureTokenProxy, tokens for another audience",
    shape: {
      parameters: { useAzureTokenProxy: "true", clientID: "c" },
      attributes: { [tokensKey]: '{"api://AzureADTokenExchange":{"token":"t"}}' },
    },
    code: INVALID,
    says: "failed to build auth config for mode AzureTokenProxy: failed to parse service account token for identity binding, error: token for audience api://AKSIdentityBinding not found",
  },
  {
    request: "managed identity, no objects",
    shape: { parameters: { useVMManagedIdentity: "true" }, objects: " " },
    code: INVALID,
    says: "objects is not set",
  },
  {
    request: "NMI 404",
    shape: { parameters: { usePodIdentity: "true" }, objects: object("secret", "secret1") },
    code: DENIED,
    says: `failed to get ${named("secret", "secret1")}: nmi response failed with status code: 404, response body: `,
  },
];

/** What the rows find in demo-vault. */
export async function stockGoldenVault({ vaults }: Emulator): Promise<void> {
  const vault = vaults.named("demo-vault");
  vault.setSecret("secret1", "zz");
  await vault.createKey("k", { kty: "oct-HSM" });
  await vault.createKey("koblitz", { kty: "EC", curve: "P-256K" });
}

/** A message without what differs from run to run. */
export function withoutNames(details: string, { settings }: Emulator): string {
  return details
    .replace(/(?<=https:\/\/[a-z-]+)\.[^/]+(?=\/)/, ".<suffix>")
    .replace(settings.demo.clientId, "<caller>");
}
