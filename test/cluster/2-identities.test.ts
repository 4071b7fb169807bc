import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cluster, counters, resetCounters, vaultNamed, type Vault } from "./cluster.ts";
import { clusterIssuer, federate, publish, register, subjectOf, type Application, type Issuer } from "./entra.ts";
import { apply, describedEvents, exec, failedMount, kubectl, list, ready, remove, type Pod } from "./kubectl.ts";
import { deployment, mountPath, pod, secretClass, serviceAccount, type PodObject } from "./objects.ts";
import { pluginLog, publishDurations } from "./plugin.ts";

const audience = "api://AzureADTokenExchange";
const demoVault = vaultNamed("demo-vault");
const ordersVault = vaultNamed("other-vault");
const billingVault = vaultNamed("third-vault");
const pods = ["web", "orders", "billing", "orders-at-billing", "billing-at-orders", "borrower", "early"];
const fleetSecrets = ["fleet-1", "fleet-2", "fleet-3"];

let issuer: Issuer;
let orders: Application;
let billing: Application;

beforeAll(async () => {
  issuer = await clusterIssuer();
  await publish(issuer);
  orders = await workload("orders", ordersVault);
  billing = await workload("billing", billingVault);
  await ordersVault.set("orders", "value of orders");
  await billingVault.set("billing", "value of billing");
});
afterAll(async () => {
  await remove(...pods);
  await kubectl("delete", "deployment", "fleet", "--cascade=foreground", "--ignore-not-found", "--timeout=180s");
});

/** A service account, and an application that its tokens prove and that may read a vault. */
async function workload(account: string, vault: Vault): Promise<Application> {
  await apply(serviceAccount(account));
  const application = await register();
  await federate(application, { issuer: issuer.issuer, subject: subjectOf(account), audience });
  await vault.letRead(application);
  return application;
}

/** Who reads what. */
interface Reader {
  readonly account: string;
  readonly application: Application;
  readonly vault: Vault;
  readonly secret: string;
}

/** A pod of a service account, and a class of its own: application, tenant and vault are all that it says. */
function objectsOf(name: string, { account, application, vault, secret }: Reader): readonly [object, PodObject] {
  const parameters = { clientID: application.clientId, keyvaultName: vault.name };
  return [
    secretClass(name, [secret], { parameters }),
    pod({ name, classes: [name], needs: `${mountPath}/${secret}`, serviceAccountName: account }),
  ];
}

test("a pod reads by its service account alone: kubelet's token, no Secret, and no cloud in the class", async () => {
  const application = await workload("web", demoVault);
  await demoVault.set("web", "value of web");
  await apply(...objectsOf("web", { account: "web", application, vault: demoVault, secret: "web" }));
  await ready("web");
  expect(await exec("web", "cat", `${mountPath}/web`)).toBe("value of web");
  const applied = await kubectl("get", "secretproviderclass/web", "pod/web", "-o", "json");
  for (const word of ["nodePublishSecretRef", "cloudName"]) expect(applied).not.toContain(word);
});

test("two service accounts of a namespace: each reads what its own application may", async () => {
  await apply(
    ...objectsOf("orders", { account: "orders", application: orders, vault: ordersVault, secret: "orders" }),
    ...objectsOf("billing", { account: "billing", application: billing, vault: billingVault, secret: "billing" }),
  );
  await ready("orders", "billing");
  for (const name of ["orders", "billing"])
    expect(await exec(name, "cat", `${mountPath}/${name}`)).toBe(`value of ${name}`);
});

test.each([
  {
    name: "orders-at-billing",
    reader: () => ({ account: "orders", application: orders, vault: billingVault, secret: "billing" }),
  },
  {
    name: "billing-at-orders",
    reader: () => ({ account: "billing", application: billing, vault: ordersVault, secret: "orders" }),
  },
])("$name is refused by the vault, and the user reads who may not do what", async ({ name, reader }) => {
  const { application, vault, secret } = reader();
  await apply(...objectsOf(name, reader()));
  await failedMount(name);
  const told = await describedEvents(name);
  console.log(`$ kubectl describe pod ${name}\n${told}`);
  expect(told).toContain(`GET https://${vault.name}.vault.azure.net/secrets/${secret}/: RESPONSE 403: 403 Forbidden`);
  expect(told).toContain(`INNER ERROR CODE: AccessDenied, caller appid=${application.clientId}. Let an access policy`);
  expect(told).not.toContain(`value of ${secret}`);
});

test("a pod that names another account's application is refused by Entra ID; what the event says to add lets it in", async () => {
  await apply(
    ...objectsOf("borrower", { account: "orders", application: billing, vault: billingVault, secret: "billing" }),
  );
  await failedMount("borrower");
  const told = await describedEvents("borrower");
  console.log(`$ kubectl describe pod borrower\n${told}`);
  expect(told).toContain(
    `https://login.microsoftonline.com/${cluster.tenantId}: RESPONSE 401: 401 Unauthorized, ERROR CODE: AADSTS700213. ` +
      `No federated credential of the application fits: add one with issuer ${issuer.issuer}, subject ${subjectOf("orders")} and audience ${audience}`,
  );
  const [, ...added] = /add one with issuer (\S+), subject (\S+) and audience (\S+)/.exec(told) ?? [];
  const [addedIssuer = "", subject = "", addedAudience = ""] = added;
  await federate(billing, { issuer: addedIssuer, subject, audience: addedAudience });
  await ready("borrower");
  expect(await exec("borrower", "cat", `${mountPath}/billing`)).toBe("value of billing");
});

test("kubelet's token is signed by a key that Entra ID does not find: it is refused, until the keys are published", async () => {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  await publish({ ...issuer, jwks: { keys: [{ ...key, kid: "of-before", alg: "RS256", use: "sig" }] } });
  const application = await workload("early", demoVault);
  await demoVault.set("early", "value of early");
  await apply(...objectsOf("early", { account: "early", application, vault: demoVault, secret: "early" }));
  await failedMount("early");
  const told = await describedEvents("early");
  expect(told).toContain("ERROR CODE: AADSTS7000272. Entra ID could not verify the service account token");
  expect(told).toContain(`the keys of its issuer ${issuer.issuer} must be public and current`);
  await publish(issuer);
  await ready("early");
  expect(await exec("early", "cat", `${mountPath}/early`)).toBe("value of early");
});

test("20 pods of one service account, each with a token of its own: one token of Entra ID, and one read of each secret in 2 s", async () => {
  // Who was refused asks again, now and then.
  await remove(...pods);
  const { clientId: clientID } = await workload("fleet", demoVault);
  for (const name of fleetSecrets) await demoVault.set(name, `value of ${name}`);
  await apply(secretClass("fleet", fleetSecrets, { parameters: { clientID } }));
  const seen = publishDurations(await pluginLog()).length;
  await resetCounters();
  const startedAt = Date.now();
  const shape = { name: "fleet", classes: ["fleet"], needs: `${mountPath}/fleet-3`, serviceAccountName: "fleet" };
  await apply(deployment(shape, 20));
  await kubectl("rollout", "status", "deployment/fleet", "--timeout=240s");
  const durationMs = Date.now() - startedAt;
  const { entra, vaults } = await counters();
  const asked = vaults["demo-vault"];
  const reads = fleetSecrets.map((name) => asked?.answers[`GET /secrets/${name}/ 200`] ?? 0);
  console.log(`20 pods after ${durationMs} ms: reads ${reads.join(", ")}; Entra ID ${JSON.stringify(entra.answers)}`);
  expect(publishDurations(await pluginLog()).slice(seen)).toHaveLength(20);
  expect(Object.entries(entra.answers).filter(([answer]) => answer.startsWith("POST "))).toEqual([
    [`POST /${cluster.tenantId}/oauth2/v2.0/token 200`, 1],
  ]);
  // An answer is shared for 2 s.
  for (const count of reads) {
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(Math.ceil(durationMs / 2_000));
  }
  expect(asked).toMatchObject({ challenges: 0, requests: reads.reduce((sum, count) => sum + count, 0) });
  const fleet = await list<Pod>("pods", "-l", "app=fleet");
  for (const { metadata } of [...fleet.slice(0, 1), ...fleet.slice(-1)])
    expect(await exec(metadata.name, "cat", `${mountPath}/fleet-3`)).toBe("value of fleet-3");
});
