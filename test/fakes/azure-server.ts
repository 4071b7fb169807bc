import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { Agent, createServer, type Server } from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

/** An answer: a status, a JSON body (or text as it is) and headers. "never" keeps the caller waiting, "reset" hangs up. */
export type FakeAnswer =
  | "never"
  | "reset"
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

/** A request as it came over the wire. */
export interface SeenRequest {
  readonly method: string;
  readonly host: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** One local server that plays Entra ID and all vaults; the agent finds it under every name of azure.test. */
export interface FakeAzureServer {
  readonly agent: Agent;
  readonly port: number;
  readonly seen: SeenRequest[];
  readonly stop: () => Promise<void>;
}

/** Starts it; the handler answers each request. */
export async function startFakeAzure(handler: (request: SeenRequest) => FakeAnswer): Promise<FakeAzureServer> {
  const { key, cert } = await makeCertificate();
  const seen: SeenRequest[] = [];
  const server = createServer({ key, cert }, (message, response) => {
    void readBody(message).then((body) => {
      const { method = "", url = "", headers } = message;
      // The SDK writes api%2Dversion, which is the same name.
      const request = { method, url: url.replaceAll("%2D", "-"), headers, body, host: headers.host ?? "" };
      seen.push(request);
      const answer = handler(request);
      if (answer === "never") return;
      if (answer === "reset") return void message.socket.destroy();
      const content = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {});
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers }).end(content);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, ca: cert, lookup });
  return { agent, port, seen, stop: () => stop(server, agent) };
}

const lookup: LookupFunction = (hostname, options, callback) => {
  if (!hostname.endsWith(".azure.test")) {
    callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" }), "");
  } else if (options.all) callback(null, [{ address: "127.0.0.1", family: 4 }]);
  else callback(null, "127.0.0.1", 4);
};

async function readBody(message: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of message) body += String(chunk);
  return body;
}

async function stop(server: Server, agent: Agent): Promise<void> {
  agent.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = ["*.azure.test", "*.vault.azure.test"].map((value) => ({ type: "dns", value }) as const);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=azure.test",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension(names)],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    cert: certificate.toString("pem"),
  };
}
