import { flag, parseFlags, switchFlag, type FlagValues } from "../formats/flags.ts";
import type { PodOverrides } from "../csi/publish-request.ts";
import { parseDurationMs } from "../formats/go-text.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { LONGEST_PERIOD_MS } from "../schedule/timer.ts";
import { azureFlags } from "./azure-flags.ts";
import { addressFlag, processFlags } from "./process-flags.ts";
import { providerFlags } from "./node-provider-flags.ts";

/** Kubernetes: a label value has at most 63 characters; the node's name is one (trap: every report would be refused). */
const LONGEST_NODE_NAME = 63;
const SHORTEST_INTERVAL_MS = 1_000;
/** CSI: a plugin name has at most 63 characters, domain name notation. */
const PLUGIN_NAME = /^[A-Za-z0-9]([-.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** Kubernetes: a qualified name, with or without a domain. */
const TAINT_KEY = /^([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** Flags of `azure-keyvault-csi node`; the established driver's keep their names and defaults. */
export const nodeFlags = {
  endpoint: flag("ENDPOINT", "CSI endpoint, a unix socket", "unix://tmp/csi.sock", (text) => {
    socketPathOf(text);
    return text;
  }),
  nodeid: flag("NAME", "name of this Kubernetes node (required)", "", parseNodeId),
  drivername: flag("NAME", "name of the CSI driver", "secrets-store.csi.k8s.io", (text) => {
    if (!PLUGIN_NAME.test(text)) throw new Error("must be a domain name of at most 63 characters");
    return text;
  }),
  "registration-dir": flag(
    "DIR",
    "kubelet's plugins_registry, to register there (default: do not register)",
    "",
    String,
  ),
  "health-addr": addressFlag("where /healthz and /readyz are served", "127.0.0.1:9808"),
  "metrics-addr": addressFlag("where /metrics is served", ":8898"),
  "startup-taint": flag(
    "KEY",
    "taint that is taken from this node when the plugin is ready (default: none)",
    "",
    parseTaintKey,
  ),
  kubeconfig: flag(
    "FILE",
    "kubeconfig to use outside a cluster (else $KUBECONFIG, else the pod's service account)",
    "",
    String,
  ),
  "pod-overrides": flag(
    "all|none",
    "whether a pod's volumeAttributes may override SecretProviderClass parameters",
    "all",
    parsePodOverrides,
  ),
  "enable-secret-rotation": switchFlag("keep the content of mounted volumes up to date"),
  "rotation-poll-interval": {
    ...flag("DURATION", "how often each volume is brought up to date: 90s, 2m, 1h30m", 120_000, parseInterval),
    shown: "2m",
  },
  ...providerFlags,
  "allow-token-secret-types": switchFlag("sync Kubernetes Secrets of types that give rights in the cluster, too"),
  ...azureFlags,
  ...processFlags,
};

/** A name that the help prints; what flags say as a whole is checked by `nodeProblems`. */
export type NodeFlags = FlagValues<typeof nodeFlags>;

/** Parses the command line; all problems at once. */
export function parseNodeFlags(args: readonly string[]): { values: NodeFlags; problems: readonly string[] } {
  const { values, problems } = parseFlags(nodeFlags, args);
  const missing =
    values.nodeid === "" && !values.version && !problems.some((problem) => problem.startsWith("--nodeid"));
  return { values, problems: missing ? [...problems, "--nodeid is missing: --nodeid=<name of the node>"] : problems };
}

function parseNodeId(text: string): string {
  if (text === "") throw new Error("must name the Kubernetes node");
  if (text.length > LONGEST_NODE_NAME)
    throw new Error(`must have at most ${LONGEST_NODE_NAME} characters: it becomes a label of pod statuses`);
  return text;
}

function parseTaintKey(text: string): string {
  if (text !== "" && !TAINT_KEY.test(text))
    throw new Error("must be a taint's key, such as example.com/agent-not-ready");
  return text;
}

function parsePodOverrides(text: string): PodOverrides {
  if (text !== "all" && text !== "none") throw new Error("must be all or none");
  return text;
}

function parseInterval(text: string): number {
  const ms = parseDurationMs(text);
  if (ms < SHORTEST_INTERVAL_MS)
    throw new Error("must be at least 1s: each pass asks the vault for every object of every volume");
  if (ms > LONGEST_PERIOD_MS) throw new Error("must be at most 596h, as long as a timer runs");
  return Math.round(ms);
}
