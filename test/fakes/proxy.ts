import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface ProxyOptions {
  /** `user:password` that it demands. */
  readonly credentials?: string;
  /** What it answers instead of connecting: a status, or these bytes before it hangs up; "never" answers nothing. */
  readonly status?: number | { readonly raw: string } | "never";
  /** Hosts below this domain it answers 503, as one does that does not resolve them. */
  readonly unresolved?: string;
  /** Its own certificate, if it is spoken to by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Ports of the token service and of the vaults, if they are not those that are asked for. */
  readonly ports?: { readonly login: number; readonly vault: number };
  /** Its own certificate, if it opens TLS, and the CA of those behind it, who all are `localhost` too. */
  readonly intercept?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** A proxy that runs, as a process of its own. */
export interface RunningProxy {
  readonly port: number;
  /** `http://127.0.0.1:<port>`, or by TLS `https://localhost:<port>` */
  readonly url: string;
  /** What it was asked to connect to, `host:port` each; only without TLS. */
  targets(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startProxy(options: ProxyOptions = {}): Promise<RunningProxy> {
  const program = join(import.meta.dirname, "proxy-process.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  const url = options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  return {
    port,
    url,
    targets: async () => (await (await fetch(url)).json()) as string[],
    stop: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
