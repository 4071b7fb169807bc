import { Hono } from "hono";
import type { Context } from "hono";
import { certificateShape, importedCertificate, keyShape, readBody, versionOptions } from "./bodies.ts";
import type { AccessPolicies, Caller, Right } from "./access.ts";
import type { Kind, VaultObjects } from "./objects.ts";
import { page } from "./paging.ts";
import { refusalBody, vaultRefusals } from "./refusals.ts";
import type { VaultRefusal } from "./refusals.ts";
import { openShelf } from "./shelf.ts";
import type { Shelf } from "./shelf.ts";

/** What the routes are told about a request beside the request itself. */
export interface VaultCall {
  readonly name: string;
  /** URL of the vault, without a slash at the end. */
  readonly base: string;
  readonly objects: VaultObjects;
  readonly policies: AccessPolicies;
  readonly caller: Caller;
}

/** What a route works on once the caller was found to have the right. */
interface Visit {
  readonly kind: Kind;
  readonly name: string;
  readonly shelf: Shelf;
  readonly call: VaultCall;
  readonly request: Request;
}

type Route = (visit: Visit, version: string) => Response | Promise<Response>;
type VaultContext = Context<{ Bindings: VaultCall }>;

const versions = ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"];

/** The REST API of Key Vault, for callers whose token was found good. */
export function createVaultApi(): Hono<{ Bindings: VaultCall }> {
  const kind = ":kind{(?:secrets|keys|certificates)}";
  const deletedKind = ":kind{(?:deletedsecrets|deletedkeys|deletedcertificates)}";
  // Not strict: clients ask for the current version with a trailing slash, or without.
  const api = new Hono<{ Bindings: VaultCall }>({ strict: false });
  api.use((c, next) => {
    const refusal = judgeVersion(c.req.query("api-version"));
    return refusal ? Promise.resolve(answer(refusal)) : next();
  });
  api.get(`/${kind}`, allowed("list", list));
  api.get(`/${kind}/:name/versions`, allowed("list", listVersions));
  api.get("/:kind{certificates}/:name/pending", allowed("get", certificateOperation));
  api.get(`/${kind}/:name/:version?`, allowed("get", get));
  api.put("/:kind{secrets}/:name", allowed("set", setSecret));
  api.post("/:kind{keys}/:name/create", allowed("create", createKey));
  api.post("/:kind{certificates}/:name/create", allowed("create", createCertificate));
  api.post("/:kind{certificates}/:name/import", allowed("import", importCertificate));
  api.patch("/:kind{secrets}/:name/:version?", allowed("set", update));
  api.patch("/:kind{(?:keys|certificates)}/:name/:version?", allowed("update", update));
  api.delete(`/${kind}/:name`, allowed("delete", remove));
  api.get(`/${deletedKind}/:name`, allowed("get", getDeleted));
  api.post(`/${deletedKind}/:name/recover`, allowed("recover", recover));
  api.delete(`/${deletedKind}/:name`, allowed("purge", purge));
  api.notFound(() => answer(vaultRefusals.unknownRoute()));
  return api;
}

/** A refusal as a response. */
export function answer(refusal: VaultRefusal, headers: Record<string, string> = {}): Response {
  return Response.json(refusalBody(refusal), { status: refusal.status, headers });
}

function judgeVersion(version: string | undefined): VaultRefusal | undefined {
  if (version === undefined) return vaultRefusals.noApiVersion();
  return versions.includes(version) ? undefined : vaultRefusals.unknownApiVersion(version, versions.at(-1) ?? "");
}

/** The route, for callers to whom the vault's access policy gives the right. */
function allowed(right: Right, route: Route): (c: VaultContext) => Response | Promise<Response> {
  return (c) => {
    const kind = (c.req.param("kind") ?? "").replace(/^deleted/, "") as Kind;
    const name = c.req.param("name") ?? "";
    const call = c.env;
    if (!call.policies.allows(call.caller.objectId, kind, right)) {
      return answer(vaultRefusals.accessDenied(call.caller.description, kind, right, call.name));
    }
    if (name !== "" && !/^[0-9a-zA-Z-]{1,127}$/.test(name)) return answer(vaultRefusals.invalidName(name));
    const visit = { kind, name, shelf: openShelf(call.objects, kind, call.base), call, request: c.req.raw };
    return route(visit, c.req.param("version") ?? "");
  };
}

const get: Route = ({ kind, name, shelf }, version) => {
  const found = shelf.get(name, version);
  if (found === undefined) return notFound(kind, name, version);
  // Only secrets are refused: keys and certificates are returned and say `enabled: false`, as with Azure.
  if (!found.enabled && kind === "secrets") return answer(vaultRefusals.disabled(kind));
  return Response.json(found.body);
};

const list: Route = ({ shelf, request }) => Response.json(page(shelf.current(), request.url));

const listVersions: Route = ({ kind, name, shelf, request }) =>
  shelf.isEmpty(name) ? notFound(kind, name) : Response.json(page(shelf.versions(name), request.url));

const setSecret: Route = async ({ kind, name, shelf, call, request }) => {
  if (shelf.deleted(name)) return answer(vaultRefusals.nameIsDeleted(kind, name));
  const body = await readBody(request);
  if (typeof body.value !== "string") return answer(vaultRefusals.badBody("The parameter value is not specified."));
  const contentType = body.contentType === undefined ? {} : { contentType: body.contentType };
  const version = call.objects.setSecret(name, body.value, { ...versionOptions(body), ...contentType });
  return Response.json(shelf.get(name, version)?.body);
};

const createKey: Route = async ({ name, shelf, call, request }) => {
  const body = await readBody(request);
  const shape = keyShape(body);
  if (shape === undefined) return answer(vaultRefusals.badBody("Property kty or crv has an invalid value."));
  const version = await call.objects.createKey(name, shape, versionOptions(body));
  return Response.json(shelf.get(name, version)?.body);
};

const createCertificate: Route = async (visit) => {
  const body = await readBody(visit.request);
  const shape = certificateShape(body);
  if (typeof shape === "string") return answer(vaultRefusals.badBody(shape));
  await visit.call.objects.createCertificate(visit.name, shape, versionOptions(body));
  return Response.json(operation(visit), { status: 202 });
};

const importCertificate: Route = async ({ name, shelf, call, request }) => {
  const body = await readBody(request);
  const imported = importedCertificate(body);
  if (typeof imported === "string") return answer(vaultRefusals.badBody(imported));
  const version = call.objects.importCertificate(name, imported, versionOptions(body));
  return Response.json(shelf.get(name, version)?.body);
};

const certificateOperation: Route = (visit) =>
  visit.shelf.isEmpty(visit.name) ? notFound(visit.kind, visit.name) : Response.json(operation(visit));

/** Certificates are made at once: an operation is complete whenever it is asked for. */
function operation({ name, call }: Visit): object {
  const target = `${call.base}/certificates/${name}`;
  return {
    id: `${target}/pending`,
    issuer: { name: "Self" },
    status: "completed",
    target,
    cancellation_requested: false,
  };
}

const update: Route = async ({ kind, name, shelf, request }, version) => {
  const changed = shelf.change(name, version, versionOptions(await readBody(request)));
  return changed ? Response.json(changed) : notFound(kind, name, version);
};

const remove: Route = ({ kind, name, shelf, call }) => {
  if (shelf.isEmpty(name)) return notFound(kind, name);
  call.objects.delete(kind, name);
  return Response.json(shelf.deleted(name));
};

const getDeleted: Route = ({ kind, name, shelf }) => {
  const deleted = shelf.deleted(name);
  return deleted ? Response.json(deleted) : notFound(kind, name);
};

const recover: Route = ({ kind, name, shelf }) => {
  const recovered = shelf.recover(name);
  return recovered ? Response.json(recovered) : notFound(kind, name);
};

const purge: Route = ({ kind, name, shelf }) =>
  shelf.purge(name) ? new Response(null, { status: 204 }) : notFound(kind, name);

function notFound(kind: Kind, name: string, version = ""): Response {
  return answer(vaultRefusals.notFound(kind, version === "" ? name : `${name}/${version}`));
}
