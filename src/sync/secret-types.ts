import { DriverError } from "../errors.ts";
import type { SecretData } from "../model.ts";

/** `Opaque` is what Kubernetes takes an empty type for. */
export const OPAQUE = "Opaque";

export const TLS = "kubernetes.io/tls";

/** Who may write one has a credential of the cluster: a token of any service account, or one to join a node with. */
const tokenTypes: readonly string[] = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

/** Throws where a type gives rights in the cluster, unless that is allowed. */
export function checkType(type: string, tokensAllowed: boolean): void {
  if (tokensAllowed || !tokenTypes.includes(type)) return;
  throw new DriverError(
    "InvalidRequest",
    `type ${type} gives rights in the cluster and is refused: use another type, ` +
      "or set secrets-store-csi-driver.syncSecret.allowTokenTypes=true in the chart's values",
  );
}

interface ContentRule {
  /** At least one of each group. */
  readonly keys: readonly (readonly string[])[];
  /** Values of these are JSON objects. */
  readonly json?: readonly string[];
}

/** What the API server demands of a type's content: said here, where the class can be named. */
const contentRules: ReadonlyMap<string, ContentRule> = new Map<string, ContentRule>([
  [TLS, { keys: [["tls.crt"], ["tls.key"]] }],
  ["kubernetes.io/dockerconfigjson", { keys: [[".dockerconfigjson"]], json: [".dockerconfigjson"] }],
  ["kubernetes.io/dockercfg", { keys: [[".dockercfg"]], json: [".dockercfg"] }],
  ["kubernetes.io/basic-auth", { keys: [["username", "password"]] }],
  ["kubernetes.io/ssh-auth", { keys: [["ssh-privatekey"]] }],
]);

/** Throws where the API server would not take the content under that type. */
export function checkContent(type: string, data: SecretData): void {
  const { keys = [], json = [] } = contentRules.get(type) ?? {};
  const missing = keys.find((group) => !group.some((key) => Object.hasOwn(data, key)));
  if (missing !== undefined)
    throw new DriverError("InvalidRequest", `type ${type} needs key ${missing.join(" or ")}: add it to data`);
  const broken = json.find((key) => !isJsonObject(data[key]));
  if (broken !== undefined)
    throw new DriverError(
      "InvalidRequest",
      `type ${type} needs JSON in key ${broken}: correct the object in the vault`,
    );
}

function isJsonObject(value: Uint8Array | undefined): boolean {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value ?? []).toString("utf8"));
    return typeof parsed === "object" && !Array.isArray(parsed);
  } catch {
    return false;
  }
}
