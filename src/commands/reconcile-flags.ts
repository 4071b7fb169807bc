import { flag, parseFlags, type FlagValues, type ParsedFlags } from "../formats/flags.ts";
import { addressFlag, servingFlags } from "./process-flags.ts";

/** Flags of `azure-keyvault-csi reconcile`. */
export const reconcileFlags = {
  namespace: flag("NAME", "namespace of the release (required)", "", String),
  kubeconfig: flag("FILE", "cluster to speak to; without it $KUBECONFIG, else the pod's service account", "", String),
  "health-addr": addressFlag("where /healthz and /readyz are served", ":9808"),
  "metrics-addr": addressFlag("where /metrics is served", ":8898"),
  ...servingFlags,
};

export type ReconcileFlags = FlagValues<typeof reconcileFlags>;

/** Parses the command line; all problems at once. */
export function parseReconcileFlags(args: readonly string[]): ParsedFlags<typeof reconcileFlags> {
  const parsed = parseFlags(reconcileFlags, args);
  const { namespace, version } = parsed.values;
  if (namespace !== "" || version) return parsed;
  return {
    ...parsed,
    problems: [...parsed.problems, "--namespace is missing: --namespace=<namespace of the release>"],
  };
}
