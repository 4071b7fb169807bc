import type { ObjectKey } from "./objects.ts";

/** An answer that is not success, as the API server words it (meta/v1 Status). */
export function statusAnswer(code: number, reason: string, message: string): Response {
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  return Response.json(body, { status: code });
}

export const refusals = {
  unauthorized: (): Response => statusAnswer(401, "Unauthorized", "Unauthorized"),
  forbidden: (user: string, verb: string, resource: string, { name, namespace }: ObjectKey): Response =>
    statusAnswer(
      403,
      "Forbidden",
      `${resource} "${name}" is forbidden: User "${user}" cannot ${verb} resource "${resource}" in the namespace "${namespace}"`,
    ),
  notFound: (resource: string, name: string): Response =>
    statusAnswer(404, "NotFound", `${resource} "${name}" not found`),
  methodNotAllowed: (): Response =>
    statusAnswer(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
  badRequest: (message: string): Response => statusAnswer(400, "BadRequest", message),
  alreadyExists: (resource: string, name: string): Response =>
    statusAnswer(409, "AlreadyExists", `${resource} "${name}" already exists`),
  conflict: (resource: string, name: string): Response =>
    statusAnswer(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    ),
  invalid: (message: string): Response => statusAnswer(422, "Invalid", message),
  unsupportedMediaType: (): Response =>
    statusAnswer(415, "UnsupportedMediaType", "the body of the request was in an unknown format"),
};
