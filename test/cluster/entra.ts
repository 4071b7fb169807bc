import { randomUUID } from "node:crypto";
import type { AppRegistration, FederatedCredential } from "../../src/emulator/entra/directory.ts";
import { cluster, control } from "./cluster.ts";
import { kubectl, namespace } from "./kubectl.ts";

/** An application, and its service principal as access policies name it. */
export type Application = Pick<AppRegistration, "clientId" | "objectId">;

/** Who signs service account tokens, and the keys to verify them. */
export interface Issuer {
  readonly issuer: string;
  readonly jwks: object;
}

/** This cluster, as its API server publishes it. */
export async function clusterIssuer(): Promise<Issuer> {
  const read = async (path: string): Promise<object> => JSON.parse(await kubectl("get", "--raw", path)) as object;
  const { issuer } = (await read("/.well-known/openid-configuration")) as Pick<Issuer, "issuer">;
  return { issuer, jwks: await read("/openid/v1/jwks") };
}

/** From now on these are the keys that Entra ID finds when it looks up the issuer. */
export function publish(issuer: Issuer): Promise<void> {
  return put("/entra/issuers", issuer);
}

/** A new application of the tests' tenant; nothing proves it yet, unless it gets a secret. */
export async function register(secret: Pick<AppRegistration, "clientSecret"> = {}): Promise<Application> {
  const application = { clientId: randomUUID(), objectId: randomUUID() };
  await put("/entra/apps", { tenantId: cluster.tenantId, ...application, ...secret });
  return application;
}

/** From now on such tokens prove the application. */
export function federate({ clientId }: Application, credential: FederatedCredential): Promise<void> {
  return put("/entra/federations", { tenantId: cluster.tenantId, clientId, ...credential });
}

/** What tokens of a service account in the tests' namespace name as their subject. */
export function subjectOf(account: string): string {
  return `system:serviceaccount:${namespace}:${account}`;
}

function put(path: string, body: object): Promise<void> {
  return control("PUT", path, JSON.stringify(body));
}
