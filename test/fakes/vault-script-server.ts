import { Agent } from "node:https";
import type { ServicePrincipal } from "../../src/provider/azure/identity.ts";
import type { Transport } from "../../src/provider/azure/transport.ts";
import { vaultAddress, type VaultAddress } from "../../src/provider/azure/vault-address.ts";
import { customCloud } from "./azure-means.ts";
import { startFakeAzure, type FakeAnswer, type SeenRequest } from "./azure-server.ts";

/** A request with a token, as a vault sees it. */
export interface VaultRequest {
  /** `<vault><path>`, as in `kv1/secrets/s1/`. */
  readonly object: string;
  /** Of the identity, as in `app:secret`. */
  readonly bearer: string;
  /** Which one of the identity's tokens it is, from 1 on. */
  readonly tokenNumber: number;
}

export interface ScriptedAzure {
  readonly transport: Transport;
  readonly address: (vault: string) => VaultAddress;
  readonly identity: (clientId?: string, clientSecret?: string) => ServicePrincipal;
  /** Requests with a token, and requests for one (`<identity>#<number>`), in the order in which they came. */
  readonly asked: readonly VaultRequest[];
  readonly tokens: readonly string[];
  /** The scope of each request for a token. */
  readonly scopes: readonly string[];
  /** Objects asked for without a token; the vault challenged that. */
  readonly challenged: readonly string[];
  readonly stop: () => Promise<void>;
}

export interface AzurePlay {
  readonly vault?: (request: VaultRequest) => FakeAnswer;
  /** To a request without a token; by default a challenge. */
  readonly challenge?: (object: string) => FakeAnswer | undefined;
  readonly entra?: (bearer: string, scope: string) => FakeAnswer | undefined;
  /** Of tokens; by default an hour. */
  readonly expiresInSeconds?: number;
  /** By default the cloud is AzurePublicCloud. */
  readonly custom?: boolean;
  /** Named in a challenge; by default that of the cloud. */
  readonly resource?: string;
}

/** Where the two clouds are; the agent leads to the same server from everywhere. */
const knownCloud = {
  authorityHost: "https://login.microsoftonline.com/",
  vaultSuffix: "vault.azure.net",
  keyVaultEndpoint: "https://vault.azure.net/",
  custom: false,
} as const;
const fileCloud = customCloud("https://login.azure.test/", "vault.azure.test");

/** Entra ID whose tokens say whose they are, and vaults that answer with the object's name and the bearer's. */
export async function startScriptedAzure(play: AzurePlay = {}): Promise<ScriptedAzure> {
  const { vault = answerOf, challenge, custom = false } = play;
  const cloud = custom ? fileCloud : knownCloud;
  const asked: VaultRequest[] = [];
  const [tokens, scopes, challenged]: [string[], string[], string[]] = [[], [], []];
  const server = await startFakeAzure((request) => {
    if (request.host.startsWith("login.")) {
      return request.method === "POST" ? issue(request) : { status: 200, body: openidConfiguration(request.host) };
    }
    const object = `${request.host.split(".")[0] ?? ""}${request.url.replace(/\?.*$/, "")}`;
    const token = /^Bearer (.*)#(\d+)$/.exec(request.headers.authorization ?? "");
    if (token === null) {
      challenged.push(object);
      return challenge?.(object) ?? challengeOf(cloud, play.resource);
    }
    const seen = { object, bearer: token[1] ?? "", tokenNumber: Number(token[2]) };
    asked.push(seen);
    return vault(seen);
  });
  function issue({ body }: SeenRequest): FakeAnswer {
    const form = new URLSearchParams(body);
    const bearer = `${form.get("client_id") ?? ""}:${form.get("client_secret") ?? ""}`;
    const token = `${bearer}#${tokens.filter((one) => one.startsWith(`${bearer}#`)).length + 1}`;
    tokens.push(token);
    const scope = (form.get("scope") ?? "").split(" ")[0] ?? "";
    scopes.push(scope);
    const issued = { token_type: "Bearer", expires_in: play.expiresInSeconds ?? 3599, access_token: token };
    return play.entra?.(bearer, scope) ?? { status: 200, body: issued };
  }
  const agent = createLocalAgent(server.port);
  return {
    transport: { agent, userAgent: "csi-secrets-store/v1", timeoutMs: 10_000 },
    address: (name) => vaultAddress(name, cloud),
    identity: (clientId = "app", clientSecret = "secret") => ({
      kind: "servicePrincipal",
      tenantId: "contoso.onmicrosoft.com",
      ...{ clientId, clientSecret, cloud },
    }),
    ...{ asked, tokens, scopes, challenged },
    stop: async () => {
      agent.destroy();
      await server.stop();
    },
  };
}

/** Wherever it is asked to connect, it connects to this port of this host; whose certificate that is does not matter here. */
function createLocalAgent(port: number): Agent {
  class LocalAgent extends Agent {
    override createConnection(...[options, done]: Parameters<Agent["createConnection"]>) {
      return super.createConnection({ ...options, host: "127.0.0.1", port, rejectUnauthorized: false }, done);
    }
  }
  return new LocalAgent({ keepAlive: true });
}

function challengeOf(
  { authorityHost, vaultSuffix }: ServicePrincipal["cloud"],
  resource = `https://${vaultSuffix}`,
): FakeAnswer {
  const parameters = `authorization="${authorityHost}tenant", resource="${resource}"`;
  return { status: 401, headers: { "www-authenticate": `Bearer ${parameters}` } };
}

/** Says which object it is and who asked. */
export function answerOf({ object, bearer }: VaultRequest): FakeAnswer {
  return { status: 200, body: { id: object, value: `${object} for ${bearer}`, cer: "dGVzdA==", key: { kid: object } } };
}

/** A refusal by a code. */
export function refuse(status: number, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status, body: { error: { code: "Refused" } }, headers };
}

function openidConfiguration(host: string): object {
  const tenant = `https://${host}/contoso.onmicrosoft.com`;
  return {
    issuer: `${tenant}/v2.0`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
  };
}
