import { DriverError } from "../errors.ts";
import type { DesiredSecret, LiveSecret, ObjectRef, SecretChanges, SecretData } from "../model.ts";
import type { Secrets } from "../ports.ts";
import type { ApiAnswer, ApiRequest } from "./api.ts";
import { ask, bodyOf, exchange, type Cluster, type Subject } from "./ask.ts";
import { isAltered } from "./managed-fields.ts";
import { parseMetadata, stringsIn } from "./metadata.ts";
import { collectionPath, CORE, namespacedPath } from "./paths.ts";
import { FIELD_MANAGER } from "./pod-statuses.ts";
import { syncRights } from "./rights.ts";

const resource = "secrets";

/** Secrets, one by one: no list, no watch, nothing kept. No value is in any error, log line or metric. */
export function createSecrets(cluster: Cluster): Secrets {
  return {
    read: async (ref, signal) => {
      const body = await ask(cluster, { method: "GET", path: pathOf(ref) }, subjectOf(ref), signal);
      return body === undefined ? undefined : parseSecret(body, ref);
    },
    create: async (secret, signal) => {
      const path = `${collectionPath(CORE, resource, secret.ref.namespace)}?fieldManager=${FIELD_MANAGER}`;
      const body = { contentType: "application/json", content: manifestOf(secret) };
      const written = await write(cluster, { method: "POST", path, body }, secret.ref, signal);
      return written.status === 409 ? "exists" : "created";
    },
    patch: async (seen, changes, signal) => {
      const path = `${pathOf(seen.ref)}?fieldManager=${FIELD_MANAGER}`;
      // Not a strategic merge patch: to that, keys which a class may name ($patch) are commands.
      const body = { contentType: "application/merge-patch+json", content: patchOf(seen, changes) };
      const written = await write(cluster, { method: "PATCH", path, body }, seen.ref, signal);
      return written.status === 409 || written.status === 404 ? "conflict" : "patched";
    },
  };
}

/** An answer that is success, or says that the Secret is not what was thought. */
async function write(cluster: Cluster, request: ApiRequest, ref: ObjectRef, signal: AbortSignal): Promise<ApiAnswer> {
  const answer = await exchange(cluster, request, subjectOf(ref), signal);
  if (answer.status === 422) throw unacceptable(ref);
  if (answer.status !== 409 && !isGone(answer, request)) bodyOf(answer, request, subjectOf(ref));
  return answer;
}

function isGone({ status }: ApiAnswer, { method }: ApiRequest): boolean {
  return status === 404 && method === "PATCH";
}

function pathOf(ref: ObjectRef): string {
  return namespacedPath(CORE, resource, ref);
}

function subjectOf(ref: ObjectRef): Subject {
  return { resource, ref, remedy: `${syncRights}, or see what quotas and policies the namespace has` };
}

function manifestOf({ ref, type, labels, annotations, data, owners }: DesiredSecret): unknown {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { ...ref, labels, annotations, ownerReferences: owners },
    type,
    data: encoded(data),
  };
}

/** The resource version is a condition here: the API server answers 409 where it is another by now. */
function patchOf({ resourceVersion, owners }: LiveSecret, changes: SecretChanges): unknown {
  const { labels, annotations } = changes;
  const ownerReferences = changes.owners.length > 0 ? [...owners, ...changes.owners] : undefined;
  return { metadata: { resourceVersion, labels, annotations, ownerReferences }, data: encoded(changes.data) };
}

function encoded<Value extends Uint8Array | null>(
  data: Readonly<Record<string, Value>>,
): Record<string, string | null> {
  const entries = Object.entries<Value>(data);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value && Buffer.from(value).toString("base64")] as const),
  );
}

function parseSecret(body: unknown, ref: ObjectRef): LiveSecret {
  const { uid, resourceVersion, labels, annotations, owners } = parseMetadata(body);
  const { type, data, immutable } = body as { type?: unknown; data?: unknown; immutable?: unknown };
  return {
    ...{ ref, uid, resourceVersion, labels, annotations, owners },
    type: typeof type === "string" ? type : "",
    data: decoded(stringsIn(data)),
    immutable: immutable === true,
    altered: isAltered(body, FIELD_MANAGER),
  };
}

function decoded(data: Readonly<Record<string, string>>): SecretData {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]));
}

function unacceptable({ name }: ObjectRef): DriverError {
  return new DriverError(
    "InvalidRequest",
    `the Kubernetes API refuses ${resource} "${name}" (HTTP 422): its keys and values do not fit its type, ` +
      "or a label or annotation is none that Kubernetes takes; correct it in spec.secretObjects",
  );
}
