import { DriverError } from "../errors.ts";
import type { ObjectRef } from "../model.ts";
import type { KubernetesRequest, Metrics } from "../ports.ts";
import type { ApiAnswer, ApiRequest, KubernetesApi } from "./api.ts";

/** The API, and who counts what is asked of it. */
export interface Cluster {
  readonly api: KubernetesApi;
  readonly metrics: Pick<Metrics, "kubernetesRequest">;
}

/** What a request is about, for the message of its failure. */
export interface Subject {
  /** Plural and group, as `kubectl` prints them. */
  readonly resource: string;
  readonly ref: ObjectRef;
  /** What to do where the right is missing; by default to install the chart's RBAC. */
  readonly remedy?: string;
}

/**
 * The body of the answer; undefined where there is no such object. Anything else that is not success becomes a
 * DriverError in our own words: what the API server wrote stays inside.
 */
export async function ask(
  cluster: Cluster,
  request: ApiRequest,
  subject: Subject,
  signal: AbortSignal,
): Promise<unknown> {
  const answer = await exchange(cluster, request, subject, signal);
  return answer.status === 404 ? undefined : bodyOf(answer, request, subject);
}

/** Any answer, counted. Throws KubernetesUnavailable or DeadlineExceeded where there is none. */
export async function exchange(
  { api, metrics }: Cluster,
  request: ApiRequest,
  { resource }: Subject,
  signal: AbortSignal,
): Promise<ApiAnswer> {
  const count = (code: number): void => {
    metrics.kubernetesRequest({ verb: verbOf(request, code), resource, code });
  };
  const answer = await api.call(request, signal).catch((cause: unknown) => {
    count(0);
    throw unreachable(cause, signal);
  });
  count(answer.status);
  return answer;
}

/** The body of an answer that is success; any other throws. */
export function bodyOf({ status, body }: ApiAnswer, request: ApiRequest, subject: Subject): unknown {
  if (status < 300 && body !== undefined) return body;
  throw refused(status, request, subject);
}

/** An apply needs the right to create only where it creates. */
function verbOf({ method }: ApiRequest, status: number): KubernetesRequest["verb"] {
  if (method === "GET") return "get";
  return method === "POST" || status === 201 ? "create" : "patch";
}

/** A caller who left is not answered; to one who set a limit the API is as good as away. */
function unreachable(cause: unknown, { aborted, reason }: AbortSignal): DriverError {
  if (aborted && !isTimeout(reason))
    return new DriverError("DeadlineExceeded", "the caller's deadline ended", { cause });
  return new DriverError("KubernetesUnavailable", `the Kubernetes API cannot be reached (${whyOf(cause, aborted)})`, {
    cause,
  });
}

function whyOf(cause: unknown, isCallersLimit: boolean): string {
  if (isCallersLimit) return "no answer in time";
  const { code, name, cause: why } = cause as NodeJS.ErrnoException;
  // Node tells every aborted request as AbortError, with the signal's reason as its cause.
  return isTimeout(why) ? "no answer in 10 s" : (code ?? name);
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}

/** OwnerReferencesPermissionEnforcement asks for one more right where the owner of an existing object changes. */
const ownership = ", or may not change its owner, which takes the right to delete";

/** Nodes are in no namespace. */
function whereOf({ namespace }: ObjectRef): string {
  return namespace === "" ? "" : ` in namespace "${namespace}"`;
}

function refused(status: number, request: ApiRequest, subject: Subject): DriverError {
  const { resource, ref, remedy = "install the chart's RBAC" } = subject;
  const verb = verbOf(request, status);
  // The token is read anew for each request: an API server that starts does not know it yet, and nobody was refused a right.
  if (status === 401)
    return new DriverError(
      "KubernetesUnavailable",
      `the Kubernetes API answered HTTP 401 to ${verb} ${resource} "${ref.name}": it does not know the driver's token; ` +
        "if that lasts, restart the driver's pod",
    );
  if (status === 403)
    return new DriverError(
      "PermissionDenied",
      `${resource} "${ref.name}" is forbidden (HTTP ${status}): the driver's service account may not ` +
        `${verb} it${whereOf(ref)}${verb === "patch" ? ownership : ""}; ${remedy}`,
    );
  // Success without JSON is no API server's answer: a proxy stands in between.
  const reason = status < 300 || status === 429 || status >= 500 ? "KubernetesUnavailable" : "InvalidRequest";
  return new DriverError(reason, `the Kubernetes API answered HTTP ${status} to ${verb} ${resource} "${ref.name}"`);
}
