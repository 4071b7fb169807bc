import { CommandError, DriverError } from "../errors.ts";
import type { KubernetesApi } from "./api.ts";

/** What the person at the keyboard asks of the API; undefined where there is no such object. Throws CommandError. */
export async function askAsOperator(
  api: KubernetesApi,
  path: string,
  what: string,
  signal: AbortSignal,
): Promise<unknown> {
  const { status, body } = await api.call({ method: "GET", path }, signal).catch((cause: unknown) => {
    throw unreachable(cause, signal);
  });
  if (status === 404) return undefined;
  if (status < 300 && body !== undefined) return body;
  const remedy =
    status === 401 || status === 403
      ? `kubectl auth can-i get ${what} -A must say yes: ask the cluster's administrator`
      : "try again; if it lasts, is that the cluster's own address? kubectl cluster-info tells";
  throw new CommandError(`the cluster answered HTTP ${status} to the question for ${what}`, { remedy });
}

function unreachable(cause: unknown, signal: AbortSignal): CommandError {
  if (signal.aborted)
    return new CommandError("interrupted", { remedy: "azure-keyvault-csi extension list tells how it is", cause });
  if (cause instanceof DriverError)
    return new CommandError(cause.message, { remedy: "or choose another cluster by --kube-context", cause });
  const { code, name } = cause as NodeJS.ErrnoException;
  return new CommandError(`no Kubernetes cluster answers (${code ?? name})`, {
    remedy: "does kubectl version answer? Choose a cluster by --kubeconfig, --kube-context or KUBECONFIG",
    cause,
  });
}
