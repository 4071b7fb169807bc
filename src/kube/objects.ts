import { DriverError } from "../errors.ts";
import type { KubernetesObject } from "../release-model.ts";
import type { Objects } from "../release-ports.ts";
import type { ApiAnswer, ApiRequest } from "./api.ts";
import { ask, bodyOf, exchange, type Cluster, type Subject } from "./ask.ts";
import { createResources } from "./resources.ts";

/**
 * Restored fields are Helm's: one that applies (Helm 4) then meets no other owner of them, and one that patches (Helm 3)
 * does not ask who owns what.
 */
const MANAGER = "helm";

/** Any object, by its kind: what the kind is called in paths is asked of the API server. */
export function createObjects(cluster: Cluster): Objects {
  const resources = createResources(cluster);
  return {
    read: async (object, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      return (await ask(cluster, { method: "GET", path }, subject, signal)) as KubernetesObject | undefined;
    },
    rehearse: async (object, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      const request = put(`${path}?dryRun=All&fieldManager=${MANAGER}`, object);
      const answer = await exchange(cluster, request, subject, signal);
      return isImmutable(answer) ? "immutable" : written(answer, request, subject);
    },
    replace: async (object, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      const request = put(`${path}?fieldManager=${MANAGER}`, object);
      written(await exchange(cluster, request, subject, signal), request, subject);
    },
    apply: async (object, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      const request = patch(path, "apply-patch+yaml", object);
      return written(await exchange(cluster, request, subject, signal), request, subject);
    },
    merge: async (object, fields, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      const request = patch(path, "merge-patch+json", fields);
      written(await exchange(cluster, request, subject, signal), request, subject);
    },
    delete: async (object, signal) => {
      const { path, subject } = await resources.locate(object, signal);
      const preconditions = { uid: object.metadata.uid };
      const content = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions };
      const request: ApiRequest = { method: "DELETE", path, body: { contentType: "application/json", content } };
      const answer = await exchange(cluster, request, subject, signal);
      if (answer.status !== 404) written(answer, request, subject);
    },
  };
}

function put(path: string, content: KubernetesObject): ApiRequest {
  return { method: "PUT", path, body: { contentType: "application/json", content } };
}

function patch(path: string, contentType: "apply-patch+yaml" | "merge-patch+json", content: object): ApiRequest {
  const force = contentType === "apply-patch+yaml" ? "&force=true" : "";
  const body = { contentType: `application/${contentType}`, content };
  return { method: "PATCH", path: `${path}?fieldManager=${MANAGER}${force}`, body };
}

function written(answer: ApiAnswer, request: ApiRequest, subject: Subject): KubernetesObject {
  // A replacement finds nothing where somebody has deleted the object since it was read.
  if (answer.status === 409 || answer.status === 404)
    throw new DriverError("Busy", `${subject.resource} "${subject.ref.name}" was changed by others meanwhile`);
  return bodyOf(answer, request, subject) as KubernetesObject;
}

interface Refusal {
  readonly details?: { readonly causes?: readonly { readonly message?: string }[] };
}

/** Only where all that is wrong is that: an object that is invalid in itself could not be made anew. */
function isImmutable({ status, body }: ApiAnswer): boolean {
  const causes = (body as Refusal | undefined)?.details?.causes ?? [];
  return (
    status === 422 &&
    causes.length > 0 &&
    causes.every(({ message = "" }) => /immutable|cannot change roleRef/.test(message))
  );
}
