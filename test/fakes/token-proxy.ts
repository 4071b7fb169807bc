import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import { createAuthority, type CertificateAuthority } from "../../src/emulator/ca.ts";

/** A request as the proxy saw it. */
export interface ProxiedRequest {
  readonly serverName: string;
  readonly host: string;
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

export interface FakeApiServer {
  readonly port: number;
  readonly authority: CertificateAuthority;
  readonly seen: readonly ProxiedRequest[];
  /** From now on its certificates are of this authority. */
  trust(authority: CertificateAuthority): Promise<void>;
  stop(): Promise<void>;
}

type Answer = (request: ProxiedRequest) => { readonly status: number; readonly body: unknown };

/** An API server whose certificate has these names, and which answers as a token proxy under any `.ests.aks` name. */
export async function startFakeApiServer(names: readonly string[], answer: Answer = token): Promise<FakeApiServer> {
  const seen: ProxiedRequest[] = [];
  const authority = await createAuthority();
  let current = authority;
  const server = createServer(await authority.issue(names), (message, response) => {
    const chunks: Buffer[] = [];
    message.on("data", (chunk: Buffer) => chunks.push(chunk));
    message.on("end", () => {
      const { method = "", url = "", headers } = message;
      const { servername } = message.socket as Partial<Record<"servername", string>>;
      const request = {
        serverName: servername ?? "",
        host: headers.host ?? "",
        method,
        url,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(request);
      const { status, body } = answer(request);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  server.addContext("*.ests.aks", await contextOf(current));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    authority,
    seen,
    trust: async (other) => {
      current = other;
      server.addContext("*.ests.aks", await contextOf(current));
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function contextOf(authority: CertificateAuthority) {
  return createSecureContext(await authority.issue(["*.ests.aks"]));
}

/** Entra's metadata, and a token. */
function token({ method, host }: ProxiedRequest): { status: number; body: unknown } {
  if (method === "POST")
    return { status: 200, body: { token_type: "Bearer", expires_in: 3599, access_token: "proxied" } };
  const tenant = `https://${host}/t1`;
  const endpoints = {
    authorization_endpoint: `${tenant}/a`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    jwks_uri: `${tenant}/k`,
  };
  return { status: 200, body: { issuer: `${tenant}/v2.0`, ...endpoints } };
}
