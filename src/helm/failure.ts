import { CommandError } from "../errors.ts";
import type { ObjectRef } from "../model.ts";

/** What helm was doing. */
export interface Attempt {
  readonly ref?: ObjectRef;
  /** Texts that are told to nobody. */
  readonly secrets?: readonly string[];
}

/** What helm may complain of, in the order in which it is looked for. */
const complaints: readonly (readonly [RegExp, (found: RegExpExecArray, attempt: Attempt) => CommandError])[] = [
  [/cluster unreachable|context "[^"]*" does not exist|invalid configuration|error loading config/i, noCluster],
  [/Unauthorized|must be logged in|provide credentials|getting credentials/i, notLoggedIn],
  [/another operation \(install\/upgrade\/rollback\) is in progress/, busy],
  [/don't meet the specifications of the schema/, unfitValues],
  [/chart requires kubeVersion: >=(?<wanted>[\d.]+)/, oldCluster],
  [/execution error at \([^)]*\): (?<told>[^]*)$/, refusedByChart],
  [/(?<kind>\w+) "(?<name>[^"]+)" in namespace "[^"]*" exists and cannot be imported/, taken],
  [/forbidden: (?<told>User "[^"]*" cannot \w+ resource "[^"]*"(?: in API group "[^"]*")?)/, forbidden],
  [/timed out waiting|deadline exceeded|context deadline|hooks? failed|failed (?:pre|post)-/i, notReady],
];

/** Why helm failed, in our words where they are known. What it was given as secret is in none. */
export function failureOf(stderr: string, attempt: Attempt = {}): CommandError {
  const told = withoutSecrets(stderr, attempt.secrets ?? []);
  for (const [pattern, tell] of complaints) {
    const found = pattern.exec(told);
    if (found) return tell(found, attempt);
  }
  const line = told.split("\n").findLast((text) => text.startsWith("Error: ")) ?? "it does not say why";
  return new CommandError(`helm failed: ${line.replace(/^Error: /, "").slice(0, 500)}`, {
    remedy: `see helm history ${nameOf(attempt)}, and kubectl get events ${namespaceOf(attempt)}`,
  });
}

/** Secrets may stand in a message as they are, in part (a line of them), or as JSON and Go quote them. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((secret) => {
    const all = [secret, ...secret.split("\n").filter((line) => line.length >= 8)];
    return [...all, ...all.map((form) => JSON.stringify(form).slice(1, -1))];
  });
  return forms
    .filter((form) => form !== "")
    .toSorted((a, b) => b.length - a.length)
    .reduce((left, form) => left.replaceAll(form, "…"), text);
}

function noCluster(): CommandError {
  return new CommandError("no Kubernetes cluster answers", {
    remedy: "does kubectl version answer? Choose a cluster by --kubeconfig, --kube-context or KUBECONFIG",
  });
}

function notLoggedIn(): CommandError {
  return new CommandError("the cluster does not know who asks", {
    remedy: "log in again, or choose another user: kubectl auth whoami tells who you are",
  });
}

function busy(_: RegExpExecArray, attempt: Attempt): CommandError {
  return new CommandError("another operation on the extension is in progress", {
    remedy: `wait until it has ended; if nobody is at it any more: helm rollback ${nameOf(attempt)}`,
  });
}

/** Helm quotes values that do not fit, so the place alone is told. */
function unfitValues({ input }: RegExpExecArray): CommandError {
  const all = [...input.matchAll(/^ *- at '\/?([^']*)':/gm)].map(([, place = ""]) => place.replaceAll("/", "."));
  // A section fails with what is in it.
  const places = all.filter((place) => !all.some((other) => other.startsWith(`${place}.`)));
  const problems = [...new Set(places)].map((place) => `setting ${place} has a value that the chart does not take`);
  return new CommandError(problems.length > 0 ? problems : "a setting has a value that the chart does not take", {
    remedy: "docs/values.md tells every setting and what it takes",
    exit: 2,
  });
}

function oldCluster({ groups }: RegExpExecArray): CommandError {
  return new CommandError("the cluster's Kubernetes is too old for the extension", {
    remedy: `bring the cluster to Kubernetes ${groups?.["wanted"] ?? ""} or later`,
  });
}

/** The chart's own sentences. */
function refusedByChart({ groups }: RegExpExecArray): CommandError {
  const lines = (groups?.["told"] ?? "").split("\n").filter((line) => line.trim() !== "");
  return new CommandError(lines, { remedy: "docs/values.md tells every setting and what it takes", exit: 2 });
}

function taken({ groups }: RegExpExecArray): CommandError {
  const { kind = "", name = "" } = groups ?? {};
  return new CommandError(`the cluster has a ${kind} ${name} already that is not the extension's`, {
    remedy: `uninstall the driver that it belongs to first: kubectl get ${kind.toLowerCase()} ${name} -o yaml tells whose it is`,
  });
}

function forbidden({ groups }: RegExpExecArray): CommandError {
  return new CommandError(`you have not the right: ${groups?.["told"] ?? ""}`, {
    remedy: "ask the cluster's administrator: the extension brings roles and a DaemonSet, which takes cluster-admin",
  });
}

function notReady(_: RegExpExecArray, attempt: Attempt): CommandError {
  return new CommandError("the extension did not get ready in time", {
    remedy: `kubectl get pods,events ${namespaceOf(attempt)} tells what it waits for; then create or update again`,
  });
}

function nameOf({ ref }: Attempt): string {
  return ref === undefined ? "NAME" : `${ref.name} -n ${ref.namespace}`;
}

function namespaceOf({ ref }: Attempt): string {
  return ref === undefined ? "-A" : `-n ${ref.namespace}`;
}
