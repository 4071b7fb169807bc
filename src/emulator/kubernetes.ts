import { Hono } from "hono";
import { parse } from "yaml";
import { applied, metadataProblem } from "./kubernetes/apply.ts";
import {
  createObjectStore,
  type KubernetesObject,
  type ObjectKey,
  type ObjectMeta,
  type ObjectStore,
} from "./kubernetes/objects.ts";
import { recorded } from "./kubernetes/managed-fields.ts";
import { patcherOf } from "./kubernetes/patch.ts";
import { createRights, type Rights } from "./kubernetes/rights.ts";
import { completeSecret, secretProblem, unreadableValue } from "./kubernetes/secrets.ts";
import { refusals, statusAnswer } from "./kubernetes/status.ts";
import type { Handler } from "./listener.ts";
import { createTally, type Tally } from "./tally.ts";

/** A Kubernetes API with the objects and verbs that the plugin uses; it judges Secrets as the real one does. */
export interface Kubernetes {
  readonly handler: Handler;
  readonly objects: ObjectStore;
  readonly tally: Tally;
  /** The plugin's, which an administrator may change. */
  readonly rights: Rights;
  /** The next requests of the plugin are answered with this status (503, say) and do nothing; 0 ends it. */
  failPlugin(status: number): void;
  /** Requests of this form (`PATCH /api/v1/…`) get no answer, whoever sends them; undefined ends it. */
  ignore(requests: RegExp | undefined): void;
}

export interface KubernetesTokens {
  /** The plugin's service account: its rights are those of the chart. */
  readonly plugin: string;
  /** Whoever sets the cluster up: all rights. */
  readonly admin: string;
}

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
  const rights = createRights();
  let failure = 0;
  let ignored: RegExp | undefined;

  function refusalOf(request: Request, key: ObjectKey): Response | undefined {
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === tokens.admin) return undefined;
    if (token !== tokens.plugin) return refusals.unauthorized();
    if (failure > 0) return statusAnswer(failure, "ServiceUnavailable", "the emulator was told to fail");
    const verb = verbOf(request, key);
    return rights.has(verb, key.plural) ? undefined : refusals.forbidden(pluginUser, verb, resourceOf(key), key);
  }

  async function serve(request: Request, key: ObjectKey): Promise<Response> {
    const answer = key.name === "" ? respondForAll : respond;
    return refusalOf(request, key) ?? (await answer(request, key, objects));
  }

  const route = (c: { req: { raw: Request; param(): Record<string, string> } }): Promise<Response> => {
    const { plural = "", namespace = "", name = "" } = c.req.param();
    return serve(c.req.raw, { plural, namespace, name });
  };
  const app = new Hono();
  for (const group of ["api/v1", "apis/apps/v1", "apis/secrets-store.csi.x-k8s.io/v1"])
    app
      .on(["GET", "POST"], `/${group}/namespaces/:namespace/:plural`, route)
      .all(`/${group}/namespaces/:namespace/:plural/:name`, route);
  app.notFound((c) => statusAnswer(404, "NotFound", `the server could not find the requested resource ${c.req.path}`));
  return {
    handler: (request, connection) =>
      tally.count(request, async () => {
        const form = `${request.method} ${new URL(request.url).pathname}`;
        return ignored?.test(form) ? connection.ignore() : app.fetch(request);
      }),
    objects,
    tally,
    rights,
    failPlugin: (status) => {
      failure = status;
    },
    ignore: (requests) => {
      ignored = requests;
    },
  };
}

/** Of a collection, a GET lists. */
function verbOf({ method }: Request, { name }: ObjectKey): string {
  return method === "GET" && name === "" ? "list" : (verbs[method] ?? method);
}

async function respondForAll(request: Request, collection: ObjectKey, objects: ObjectStore): Promise<Response> {
  if (request.method === "POST") return create(request, collection, objects);
  const { plural, namespace } = collection;
  const items = objects.list(plural).filter(({ metadata }) => metadata.namespace === namespace);
  return Response.json({ apiVersion: "v1", kind: "List", items });
}

async function respond(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  if (request.method === "PUT") return replace(request, key, objects);
  if (request.method === "PATCH") return patch(request, key, objects);
  if (request.method !== "GET" && request.method !== "DELETE") return refusals.methodNotAllowed();
  const found = objects.get(key);
  if (found === undefined) return refusals.notFound(resourceOf(key), key.name);
  if (request.method === "DELETE") objects.delete(key);
  return Response.json(found);
}

/** A new object, named by its metadata: the path is that of the collection. */
async function create(request: Request, collection: ObjectKey, objects: ObjectStore): Promise<Response> {
  const object = (await request.json()) as KubernetesObject;
  const key = { ...collection, name: object.metadata.name };
  if (objects.get(key) !== undefined) return refusals.alreadyExists(resourceOf(key), key.name);
  return store(key, object, objects, managerOf(request));
}

/** Creates as well, which the real one does for few kinds. */
async function replace(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  const wanted = (await request.json()) as KubernetesObject;
  const live = objects.get(key);
  if (live !== undefined && !meets(live, wanted.metadata)) return refusals.conflict(resourceOf(key), key.name);
  return store(key, wanted, objects, managerOf(request));
}

async function patch(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  const contentType = request.headers.get("content-type") ?? "";
  if (contentType.startsWith("application/apply-patch+yaml")) return apply(request, key, objects);
  const patched = patcherOf(contentType, key.plural in groups);
  if (patched === undefined) return refusals.unsupportedMediaType();
  const live = objects.get(key);
  if (live === undefined) return refusals.notFound(resourceOf(key), key.name);
  const wanted = patched(live, await request.json());
  if (!meets(live, wanted.metadata)) return refusals.conflict(resourceOf(key), key.name);
  return store(key, wanted, objects, managerOf(request));
}

/** A resource version in a write is a condition. */
function meets({ metadata }: KubernetesObject, { resourceVersion }: Partial<ObjectMeta>): boolean {
  return resourceVersion === undefined || resourceVersion === metadata.resourceVersion;
}

async function apply(request: Request, key: ObjectKey, objects: ObjectStore): Promise<Response> {
  if (!new URL(request.url).searchParams.get("fieldManager"))
    return refusals.badRequest(
      "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch",
    );
  const wanted = parse(await request.text()) as KubernetesObject;
  if (wanted.metadata.name !== key.name || wanted.metadata.namespace !== key.namespace)
    return refusals.badRequest("the name or namespace of the object does not match the URL");
  const live = objects.get(key);
  if (live !== undefined && !meets(live, wanted.metadata)) return refusals.conflict(resourceOf(key), key.name);
  return store(key, applied(live, wanted), objects, managerOf(request));
}

/** Who writes, as the API server names it: by the parameter, or by the user agent. */
function managerOf(request: Request): string {
  const [agent = ""] = (request.headers.get("user-agent") ?? "").split("/");
  return new URL(request.url).searchParams.get("fieldManager") ?? (agent === "" ? "unknown" : agent);
}

/** Who writes what is recorded of Secrets alone. */
function store(key: ObjectKey, given: KubernetesObject, objects: ObjectStore, manager: string): Response {
  const live = objects.get(key);
  const object = key.plural === "secrets" ? recorded(live, completeSecret(given), manager) : given;
  const unreadable = key.plural === "secrets" ? unreadableValue(object) : undefined;
  if (unreadable !== undefined)
    return refusals.badRequest(`Secret in version "v1" cannot be handled: illegal base64 data in key ${unreadable}`);
  const problem =
    metadataProblem(live?.metadata, object.metadata) ??
    (key.plural === "secrets" ? secretProblem(live, object) : undefined);
  if (problem !== undefined) return refusals.invalid(`${resourceOf(key)} "${key.name}" is invalid: ${problem}`);
  return Response.json(objects.put(key, object), { status: live === undefined ? 201 : 200 });
}

function resourceOf({ plural }: ObjectKey): string {
  return groups[plural] ?? plural;
}
