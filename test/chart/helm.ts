import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1Container,
  V1CSIDriver,
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1ObjectMeta,
  V1PodSpec,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1ServiceAccount,
  V1ValidatingAdmissionPolicy,
} from "@kubernetes/client-node";
import { parse, parseAllDocuments } from "yaml";

export const chartDir = resolve(import.meta.dirname, "../../charts/azure-keyvault-csi");

/** The program's version, which is the chart's and the image's. */
export const version = (parse(readFileSync(`${chartDir}/../../package.json`, "utf8")) as { version: string }).version;

/** The kinds of the chart; as parsed, so dates and quantities are text. */
interface Kinds {
  readonly ServiceAccount: V1ServiceAccount;
  readonly ClusterRole: V1ClusterRole;
  readonly ClusterRoleBinding: V1ClusterRoleBinding;
  readonly CSIDriver: V1CSIDriver;
  readonly CustomResourceDefinition: V1CustomResourceDefinition;
  readonly DaemonSet: V1DaemonSet;
  readonly Deployment: V1Deployment;
  readonly Job: V1Job;
  readonly Role: V1Role;
  readonly RoleBinding: V1RoleBinding;
  readonly Secret: V1Secret;
  readonly ConfigMap: V1ConfigMap;
  readonly ValidatingAdmissionPolicy: V1ValidatingAdmissionPolicy;
  readonly PodMonitor: PodMonitor;
  readonly PrometheusRule: PrometheusRule;
}

/** Of the Prometheus operator's kinds (monitoring.coreos.com/v1), what the chart uses. */
interface PodMonitor {
  readonly kind?: string;
  readonly metadata?: V1ObjectMeta;
  readonly spec: {
    readonly selector: object;
    readonly podMetricsEndpoints: readonly { readonly port: string; readonly honorLabels: boolean }[];
  };
}

interface PrometheusRule {
  readonly kind?: string;
  readonly metadata?: V1ObjectMeta;
  readonly spec: { readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[] };
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

export type Values = Readonly<Record<string, unknown>>;

interface RenderOptions {
  /** What the cluster says of itself. */
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  readonly chart?: string;
  readonly namespace?: string;
}

/** What an installation would create. */
interface Objects {
  readonly objects: readonly Kinds[keyof Kinds][];
  readonly get: <Kind extends keyof Kinds>(kind: Kind, name: string) => Kinds[Kind];
}

/** One DaemonSet of one container among them. */
export interface RenderedDaemonSet extends Objects {
  readonly daemonSet: V1DaemonSet;
  readonly pod: V1PodSpec;
  readonly container: V1Container;
  readonly args: readonly string[];
}

/** The plugin, driver and provider in one. */
export interface Rendered extends RenderedDaemonSet {
  readonly csiDriver: V1CSIDriver;
}

/** The plugin, as release `demo` in `kube-system`. */
export function render(values: Values = {}, options: RenderOptions = {}): Rendered {
  const objects = renderObjects(values, options);
  const csiDriver = objects.get("CSIDriver", "secrets-store.csi.k8s.io");
  return { ...withDaemonSet(objects, "secrets-store-csi-driver"), csiDriver };
}

/** The provider alone, for clusters that keep the established driver. */
export function renderProvider(values: Values = {}): RenderedDaemonSet {
  const driver = { ...(values["secrets-store-csi-driver"] as Values | undefined), install: false };
  return withDaemonSet(
    renderObjects({ ...values, "secrets-store-csi-driver": driver }),
    "csi-secrets-store-provider-azure",
  );
}

/**
 * Runs `helm template` as release `demo` in `kube-system`, CRDs included; throws what helm complains of, and what it
 * lets pass that is no YAML (keys said twice).
 */
export function renderObjects(values: Values, options: RenderOptions = {}): Objects {
  const documents = parseAllDocuments(template(values, options));
  for (const { errors } of documents) if (errors[0]) throw errors[0];
  const objects = documents.map((document) => document.toJS() as Kinds[keyof Kinds]);
  return {
    objects,
    get: (kind, name) => {
      const found = objects.filter((object) => object.kind === kind && object.metadata?.name === name);
      return one(found, `${kind} ${name}`) as Kinds[typeof kind];
    },
  };
}

function withDaemonSet(objects: Objects, name: string): RenderedDaemonSet {
  const daemonSet = objects.get("DaemonSet", name);
  const pod = defined(daemonSet.spec?.template.spec, "a pod");
  const container = defined(pod.containers[0], "a container");
  return { ...objects, daemonSet, pod, container, args: container.args ?? [] };
}

/** What helm says after an installation. */
export function renderNotes(values: Values = {}): string {
  return evaluate('include (print .Template.BasePath "/NOTES.txt") .', values);
}

/** What a template expression gives inside the chart: `helm template` prints objects only, so one is made of it. */
export function evaluate(expression: string, values: Values = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "akv-chart-"));
  try {
    const chart = join(directory, "azure-keyvault-csi");
    cpSync(chartDir, chart, { recursive: true });
    writeFileSync(join(chart, "templates/answer.yaml"), `kind: Answer\nanswer: {{ ${expression} | quote }}\n`);
    const answers = renderObjects(values, { chart }).objects.map(
      (object) => object as { kind?: string; answer?: string },
    );
    return defined(answers.find(({ kind }) => kind === "Answer")?.answer, "an answer");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Runs helm; throws with what it wrote to stderr. */
export function helm(args: readonly string[], input = ""): string {
  return execFileSync("helm", args, { input, encoding: "utf8", stdio: "pipe" });
}

/** The one thing that is there, or a failure that says what is not. */
export function defined<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}

function template(
  values: Values,
  { kubeVersion = "1.35.4", apiVersions = [], chart = chartDir, namespace = "kube-system" }: RenderOptions,
): string {
  const options = ["--include-crds", `--namespace=${namespace}`, `--kube-version=${kubeVersion}`, "--values=-"];
  options.push(...apiVersions.map((version) => `--api-versions=${version}`));
  return helm(["template", "demo", chart, ...options], JSON.stringify(values));
}

function one<Item>(items: readonly Item[], what: string): Item {
  if (items.length > 1) throw new Error(`${what}: ${items.length} of them`);
  return defined(items[0], what);
}
