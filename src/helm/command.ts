import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { CommandError } from "../errors.ts";

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Which cluster Helm speaks to, and where it is found. */
export interface HelmOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Empty: as kubectl finds it. */
  readonly kubeconfig: string;
  readonly kubeContext: string;
}

/** Runs the helm command to its end. */
export type RunHelm = (args: readonly string[], signal: AbortSignal, input?: string) => Promise<Ended>;

const HELM = "helm";

export function createRunHelm({ env, kubeconfig, kubeContext }: HelmOptions): RunHelm {
  const cluster = [
    ...(kubeconfig === "" ? [] : ["--kubeconfig", kubeconfig]),
    ...(kubeContext === "" ? [] : ["--kube-context", kubeContext]),
  ];
  const ownEnv = environment(env);
  return async (args, signal, input = "") => {
    if (isCutOff(signal)) throw interrupted();
    const child = spawn(HELM, [...args, ...cluster], { env: ownEnv, stdio: "pipe" });
    // Helm notes on the release that it was cut off, so its end is waited for.
    const stop = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", stop);
    // A program may end before it has read all.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    try {
      const [code] = (await once(child, "close")) as [number | null];
      if (isCutOff(signal)) throw interrupted();
      const [stdout, stderr] = await output;
      return { code: code ?? 1, stdout, stderr };
    } catch (error) {
      throw error instanceof CommandError ? error : notRun(error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}

/** What only Helm reads could point it to another cluster than the pods are asked of, or have it keep values where anybody reads. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !/^HELM_(KUBE|NAMESPACE$|DRIVER|DEBUG$)/.test(name));
  return { ...Object.fromEntries(others), HELM_DRIVER: "secret" };
}

function notRun(cause: unknown): CommandError {
  const { code } = cause as NodeJS.ErrnoException;
  const what =
    code === "ENOENT" ? "there is no helm command on the PATH" : `helm cannot be started (${code ?? "unknown"})`;
  return new CommandError(what, {
    remedy: "install Helm 3.18 or newer, up to 4: https://helm.sh/docs/intro/install/",
    cause,
  });
}

function interrupted(): CommandError {
  return new CommandError("interrupted", { remedy: "azure-keyvault-csi extension list tells how far it came" });
}

function isCutOff({ aborted }: AbortSignal): boolean {
  return aborted;
}
