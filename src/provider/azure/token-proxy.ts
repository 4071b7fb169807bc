import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { DriverError, inContext } from "../../errors.ts";
import type { PipelinePolicy } from "./policy.ts";
import { readClusterId, sniOf } from "./sni.ts";
import { unprintable } from "./unprintable.ts";

/** Where the token proxy of an AKS cluster is: at its API server's address, under a name of its own. */
export interface TokenProxyOptions {
  readonly url: URL;
  /** Empty: found out from the API server's certificate. */
  readonly sniName: string;
  /** Who vouches for API server and proxy; where there is no such file, whoever this process trusts. */
  readonly caFile: string;
  /** Whose certificate tells the cluster. */
  readonly apiServer: { readonly host: string; readonly port: number };
}

/** The way to Entra ID of identity bindings (azure-provider 2.5). */
export interface TokenProxy {
  /** For errors. */
  readonly host: string;
  /** Sends a request to the proxy in place of Entra ID. What hinders it is found out and told when there is one to send. */
  readonly policy: PipelinePolicy;
}

/** The proxy's URL as users write it: https, and nothing beyond a path. Throws Error. */
export function parseTokenProxyUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new Error("must be a URL, https://host");
  if (url.protocol !== "https:")
    throw new Error(`custom token endpoint must use https scheme, got "${url.protocol.slice(0, -1)}"`);
  const more: [string, string][] = [
    [url.username + url.password, "user info"],
    [url.search, "a query"],
    [url.hash, "a fragment"],
  ];
  const extra = more.find(([part]) => part !== "");
  // Not quoted: there may be a password in it.
  if (extra !== undefined) throw new Error(`custom token endpoint URL must not contain ${extra[1]}`);
  return url;
}

/** Asks nobody yet. */
export function createTokenProxy(options: TokenProxyOptions): TokenProxy {
  const agents = createAgents(options);
  const { url } = options;
  return {
    host: url.host,
    policy: {
      name: "tokenProxy",
      async sendRequest(request, next) {
        const original = new URL(request.url);
        request.agent = await agents.current().catch((error: unknown) => {
          throw inContext("proxy transport not available: ", error);
        });
        // The proxy is told by Host whom the request is for; Node would take the server name from there, the agent has its own.
        request.headers.set("Host", original.host);
        const path = `${url.pathname.replace(/\/$/, "")}${original.pathname}`;
        request.url = `${url.origin}${path}${original.search}`;
        return next(request);
      },
    },
  };
}

interface Trusting {
  readonly ca: string | undefined;
  readonly agent: Agent;
}

/** The connections to the proxy, by the CA of the moment: its file is looked at before each request. */
function createAgents({ sniName, caFile, apiServer }: TokenProxyOptions): { current(): Promise<Agent> } {
  let servername: Promise<string> | undefined;
  let trusting: Trusting | undefined;

  /** Asked once; a failure is not kept. */
  function serverName(ca: string | undefined): Promise<string> {
    servername ??= nameOf(ca).catch((error: unknown) => {
      servername = undefined;
      throw inContext("compute SNI name: ", error);
    });
    return servername;
  }

  async function nameOf(ca: string | undefined): Promise<string> {
    if (sniName !== "") return sniName;
    if (ca !== undefined) return sniOf(await readClusterId({ ...apiServer, ca }));
    throw unreadable(
      `extract cluster ID from API server certificate: read CA file ${caFile}: no such file (use --sni-name flag to skip automatic SNI detection)`,
    );
  }

  return {
    current: async () => {
      const ca = await readCa(caFile, trusting?.ca !== undefined);
      // A file that is being replaced may be empty for a moment.
      if (trusting !== undefined && (ca === trusting.ca || ca === "")) return trusting.agent;
      if (ca === "") throw unreadable(`read CA file ${caFile}: it is empty`);
      // Neither connections nor TLS sessions are kept: there is a token to fetch once an hour, by whom the CA then vouches for.
      const agent = unprintable(
        new Agent({
          maxCachedSessions: 0,
          servername: await serverName(ca),
          ...(ca !== undefined && { ca }),
        }),
      );
      trusting = { ca, agent };
      return agent;
    },
  };
}

/** Undefined where there is no such file, and there was none before. */
async function readCa(caFile: string, wasThere: boolean): Promise<string | undefined> {
  try {
    return (await readFile(caFile, "utf8")).trim();
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isAbsent && !wasThere) return undefined;
    throw unreadable(`read CA file ${caFile}: it cannot be read: mount the CA of the cluster there`);
  }
}

function unreadable(complaint: string): DriverError {
  return new DriverError("ProviderError", complaint);
}
