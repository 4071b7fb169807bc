import { Hono } from "hono";
import { parse } from "yaml";
import { applied, metadataProblem } from "./kubernetes/apply.ts";
import { createObjectStore, type KubernetesObject, type ObjectKey, type ObjectStore } from "./kubernetes/objects.ts";
import { refusals, statusAnswer } from "./kubernetes/status.ts";
import type { Handler } from "./listener.ts";

import { createTally, type Tally } from "./tally.ts";

/** A Kubernetes API with the objects and verbs that the plugin uses. */
export interface Kubernetes {
  readonly handler: Handler;
  readonly objects: ObjectStore;
  readonly tally: Tally;
  /** The next requests of the plugin are answered with this status (503, say) and do nothing; 0 ends it. */
  failPlugin(status: number): void;
}

export interface KubernetesTokens {
  /** The plugin's service account: its rights are those of the chart. */
  readonly plugin: string;
  /** Whoever sets the cluster up: all rights. */
  readonly admin: string;
}

/** Rights of the plugin (design section 6): verb and plural. */
const pluginRights = new Set([
  "get secretproviderclasses",
  "get secretproviderclasspodstatuses",
  "create secretproviderclasspodstatuses",
  "patch secretproviderclasspodstatuses",
]);
const pluginUser = "system:serviceaccount:kube-system:secrets-store-csi-driver";
const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  PUT: "update",
  POST: "create",
  PATCH: "patch",
  DELETE: "delete",
};
const groups: Readonly<Record<string, string>> = {
  secretproviderclasses: "secretproviderclasses.secrets-store.csi.x-k8s.io",
  secretproviderclasspodstatuses: "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io",
};

export function createKubernetes(tokens: KubernetesTokens): Kubernetes {
  const objects = createObjectStore();
  const tally = createTally();
  let failure = 0;

  async function serve(request: Request, key: ObjectKey): Promise<Response> {
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token !== tokens.plugin && token !== tokens.admin) return refusals.unauthorized();
    if (token === tokens.plugin) {
      if (failure > 0) return statusAnswer(failure, "ServiceUnavailable", "the emulator was told to fail");
      const verb = verbs[request.method] ?? request.method;
      if (!pluginRights.has(`${verb} ${key.plural}`)) return refusals.forbidden(pluginUser, verb, resourceOf(key), key);
    }
    return respond(request, key, objects);
  }

  const route = (c: { req: { raw: Request; param(): Record<string, string> } }): Promise<Response> => {
    const { plural = "", namespace = "", name = "" } = c.req.param();
    return serve(c.req.raw, { plural, namespace, name });
  };
  const app = new Hono()
    .all("/api/v1/namespaces/:namespace/:plural/:name", route)
    .all("/apis/secrets-store.csi.x-k8s.io/v1/namespaces/:namespace/:plural/:name", route)
    .notFound((c) => statusAnswer(404, "NotFound", `the server could not find the requested resource ${c.req.path}`));
  return {
    handler: (request) => tally.count(request, async () => app.fetch(request)),
    objects,
    tally,
    failPlugin: (status) => {
      failure = status;
    },
  };
}

async function respond(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  if (request.method === "PUT") return store(key, (await request.json()) as KubernetesObject, objects);
  if (request.method === "PATCH") return apply(request, key, objects);
  if (request.method !== "GET" && request.method !== "DELETE") return refusals.methodNotAllowed();
  const found = objects.get(key);
  if (found === undefined) return refusals.notFound(resourceOf(key), key.name);
  if (request.method === "DELETE") objects.delete(key);
  return Response.json(found);
}

async function apply(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  if (!(request.headers.get("content-type") ?? "").startsWith("application/apply-patch+yaml"))
    return refusals.unsupportedMediaType();
  if (!new URL(request.url).searchParams.get("fieldManager"))
    return refusals.badRequest(
      "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch",
    );
  const wanted = parse(await request.text()) as KubernetesObject;
  if (wanted.metadata.name !== key.name || wanted.metadata.namespace !== key.namespace)
    return refusals.badRequest("the name or namespace of the object does not match the URL");
  return store(key, applied(objects.get(key), wanted), objects);
}

function store(key: ObjectKey, object: KubernetesObject, objects: ObjectStore): Response {
  const problem = metadataProblem(object.metadata);
  if (problem !== undefined) return refusals.invalid(`${resourceOf(key)} "${key.name}" is invalid: ${problem}`);
  const status = objects.get(key) === undefined ? 201 : 200;
  return Response.json(objects.put(key, object), { status });
}

function resourceOf({ plural }: ObjectKey): string {
  return groups[plural] ?? plural;
}
