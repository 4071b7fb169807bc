import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject, ObjectKey } from "./kubernetes/objects.ts";

/** Sets the emulated cluster up from outside, as an administrator. */
export interface KubernetesClient {
  get(key: ObjectKey): Promise<KubernetesObject | undefined>;
  /** All of a kind in one namespace. */
  list(collection: Omit<ObjectKey, "name">): Promise<readonly KubernetesObject[]>;
  put(object: KubernetesObject): Promise<void>;
  delete(key: ObjectKey): Promise<void>;
  /** Every document of a YAML text; a missing namespace is "default". */
  apply(yaml: string): Promise<readonly string[]>;
}

export interface KubernetesClientOptions {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

const plurals: Readonly<Record<string, string>> = {
  Pod: "pods",
  ReplicaSet: "replicasets",
  Secret: "secrets",
  SecretProviderClass: "secretproviderclasses",
  SecretProviderClassPodStatus: "secretproviderclasspodstatuses",
};

export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const put = async (object: KubernetesObject): Promise<void> => {
    const { name, namespace } = object.metadata;
    const key = { plural: plurals[object.kind] ?? "", namespace, name };
    if (key.plural === "") throw new Error(`the emulator keeps no objects of kind ${object.kind}`);
    await send(options, "PUT", key, object);
  };
  return {
    get: async (key) => (await send(options, "GET", key)) as KubernetesObject | undefined,
    list: async (collection) => {
      const found = (await send(options, "GET", collection)) as { readonly items: readonly KubernetesObject[] };
      return found.items;
    },
    put,
    delete: async (key) => {
      await send(options, "DELETE", key);
    },
    apply: async (yaml) => {
      const objects = objectsIn(yaml).map(withNamespace);
      for (const object of objects) await put(object);
      return objects.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    },
  };
}

/** The documents of a YAML text; empty ones (a trailing ---) are none. */
function objectsIn(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

function withNamespace(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: Object.assign({ namespace: "default" }, object.metadata) };
}

const groups: Readonly<Record<string, string>> = {
  replicasets: "apis/apps/v1",
  secretproviderclasses: "apis/secrets-store.csi.x-k8s.io/v1",
  secretproviderclasspodstatuses: "apis/secrets-store.csi.x-k8s.io/v1",
};

async function send(
  { url, ca, token }: KubernetesClientOptions,
  method: string,
  { plural, namespace, name }: Omit<ObjectKey, "name"> & Partial<ObjectKey>,
  body?: object,
): Promise<unknown> {
  const group = groups[plural] ?? "api/v1";
  const path = `/${group}/namespaces/${namespace}/${plural}${name === undefined ? "" : `/${name}`}`;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const { status, content } = await exchange(new URL(path, url), { method, ca, headers }, body);
  if (status === 404) return undefined;
  if (status >= 300) throw new Error(`the emulated Kubernetes answered ${status} to ${method} ${path}`);
  return JSON.parse(content);
}

function exchange(url: URL, options: object, body?: object): Promise<{ status: number; content: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(url, { ...options, agent: false }, (response) => {
      text(response).then((content) => {
        resolve({ status: response.statusCode ?? 0, content });
      }, reject);
    });
    sent.on("error", reject).end(body && JSON.stringify(body));
  });
}
