import type { KubernetesObject } from "./objects.ts";

type Data = Readonly<Record<string, unknown>>;

const MAX_BYTES = 1024 * 1024;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const demanded: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "kubernetes.io/tls": [["tls.crt"], ["tls.key"]],
  "kubernetes.io/dockerconfigjson": [[".dockerconfigjson"]],
  "kubernetes.io/dockercfg": [[".dockercfg"]],
  "kubernetes.io/basic-auth": [["username", "password"]],
  "kubernetes.io/ssh-auth": [["ssh-privatekey"]],
};

/** A Secret as it is stored: with a type, and with the texts of stringData among its data. */
export function completeSecret(given: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = given;
  const texts = Object.entries((stringData ?? {}) as Readonly<Record<string, string>>);
  const encoded = texts.map(([key, text]) => [key, Buffer.from(text).toString("base64")] as const);
  const data = { ...(rest["data"] as Data | undefined), ...Object.fromEntries(encoded) };
  return {
    ...rest,
    type: rest["type"] ?? "Opaque",
    ...((rest["data"] !== undefined || stringData !== undefined) && { data }),
  };
}

/** Why the API server would not store a Secret in place of another (pkg/apis/core/validation); undefined when it would. */
export function secretProblem(live: KubernetesObject | undefined, wanted: KubernetesObject): string | undefined {
  return changeProblem(live, wanted) ?? contentProblem(String(wanted["type"]), dataOf(wanted));
}

function changeProblem(live: KubernetesObject | undefined, wanted: KubernetesObject): string | undefined {
  if (live === undefined) return undefined;
  if (live["type"] !== wanted["type"]) return `type: Invalid value: "${String(wanted["type"])}": field is immutable`;
  if (live["immutable"] !== true) return undefined;
  if (wanted["immutable"] !== true) return "immutable: Forbidden: field is immutable when `immutable` is set";
  if (!sameData(dataOf(live), dataOf(wanted))) return "data: Forbidden: field is immutable when `immutable` is set";
  return undefined;
}

function contentProblem(type: string, data: Data): string | undefined {
  const keys = Object.keys(data);
  const badKey = keys.find((key) => !KEY.test(key));
  if (badKey !== undefined) return `data[${badKey}]: Invalid value: a valid config key must consist of alphanumerics`;
  const missing = demanded[type]?.find((group) => !group.some((key) => keys.includes(key)));
  if (missing !== undefined) return `data[${missing[0] ?? ""}]: Required value`;
  const bytes = Object.values(data).reduce<number>(
    (sum, value) => sum + Buffer.from(String(value), "base64").length,
    0,
  );
  return bytes > MAX_BYTES ? `data: Too long: may not be more than ${MAX_BYTES} bytes` : undefined;
}

/** A value that is not base64 cannot even be read; undefined when all can. */
export function unreadableValue(secret: KubernetesObject): string | undefined {
  return Object.entries(dataOf(secret)).find(([, value]) => typeof value !== "string" || !BASE64.test(value))?.[0];
}

function dataOf(secret: KubernetesObject): Data {
  return (secret["data"] ?? {}) as Data;
}

function sameData(a: Data, b: Data): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
