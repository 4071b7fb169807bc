import { afterAll, beforeAll, expect, test } from "vitest";
import { onPage } from "../fakes/troubleshooting-page.ts";
import { vaultNamed } from "./cluster.ts";
import { apply, describedOnce, kubectl, namespace, remove } from "./kubectl.ts";
import { credentials, credentialsSecret, mountPath, pod, secretClass, type PodObject } from "./objects.ts";

const otherNamespace = `${namespace}-other`;
const throttled = vaultNamed("third-vault");

/** What a user got wrong. */
interface Trouble {
  readonly pod: string;
  /** As docs/troubleshooting.md has it. */
  readonly says: string;
  /** The class, where it is not a good one of demo-vault. */
  readonly spc?: object;
  readonly className?: string;
  /** The Secret of nodePublishSecretRef; null for none. */
  readonly credentials?: string | null;
}

const ofVault = (name: string, keyvaultName: string): object =>
  secretClass(name, ["DemoSecret"], { parameters: { keyvaultName } });

const troubles: readonly Trouble[] = [
  {
    pod: "wrong-object",
    spc: secretClass("wrong-object", ["DemoSecrte"]),
    says: "RESPONSE 404: 404 Not Found, ERROR CODE: SecretNotFound",
  },
  {
    pod: "forbidden-vault",
    spc: ofVault("forbidden-vault", "other-vault"),
    says: "RESPONSE 403: 403 Forbidden, ERROR CODE: Forbidden, INNER ERROR CODE: AccessDenied",
  },
  { pod: "wrong-secret", credentials: "stale-creds", says: "ERROR CODE: AADSTS7000215. The client secret is wrong" },
  {
    pod: "no-class",
    className: "nowhere",
    says: 'failed to get secretproviderclass <namespace>/<name>, error: secretproviderclasses.secrets-store.csi.x-k8s.io "<name>" not found',
  },
  {
    pod: "class-elsewhere",
    className: "elsewhere",
    says: 'failed to get secretproviderclass <namespace>/<name>, error: secretproviderclasses.secrets-store.csi.x-k8s.io "<name>" not found',
  },
  {
    pod: "class-by-path",
    className: `${otherNamespace}/elsewhere`,
    says: "volume_context secretProviderClass must be letters, digits, '-' and '.'",
  },
  {
    pod: "no-secret-ref",
    credentials: null,
    says: "failed to get credentials, nodePublishSecretRef secret is not set",
  },
  {
    pod: "secret-missing",
    credentials: "made-by-nobody",
    says: "failed to find the secret <name> in the namespace <namespace>",
  },
  {
    pod: "unknown-provider",
    spc: withProvider("unknown-provider", "azur"),
    says: 'provider not found: provider "<name>"',
  },
  {
    pod: "unknown-vault",
    spc: ofVault("unknown-vault", "no-such-vault-here"),
    says: "<host> does not resolve (<code>): check keyvaultName",
  },
  {
    pod: "throttled-vault",
    spc: ofVault("throttled-vault", throttled.name),
    says: "throttled: vault <name> limits requests",
  },
];

function withProvider(name: string, provider: string): object {
  const spc = secretClass(name, ["DemoSecret"]) as { readonly spec: object };
  return { ...spc, spec: { ...spc.spec, provider } };
}

function podOf({ pod: name, spc, className, credentials: secret = credentials }: Trouble): PodObject {
  const classes = [className ?? (spc === undefined ? "good" : name)];
  const needs = `${mountPath}/DemoSecret`;
  return pod({
    name,
    classes,
    needs,
    ...(secret === null ? { serviceAccountName: "default" } : { credentials: secret }),
  });
}

beforeAll(async () => {
  await throttled.misbehave({ kind: "refuse", status: 429, retryAfterS: 600 });
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: otherNamespace } });
  const elsewhere = secretClass("elsewhere", ["DemoSecret"]) as { readonly metadata: object };
  const items = [
    { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: otherNamespace } },
    secretClass("good", ["DemoSecret"]),
    credentialsSecret(credentials),
    credentialsSecret("stale-creds", { clientSecret: "expired-long-ago" }),
    ...troubles.flatMap(({ spc }) => spc ?? []),
    ...troubles.map(podOf),
  ];
  await apply({ apiVersion: "v1", kind: "List", items });
});
afterAll(async () => {
  await throttled.behave();
  await remove(...troubles.map(({ pod: name }) => name));
  await kubectl("delete", "namespace", otherNamespace, "--timeout=120s");
});

test.each(troubles)("$pod: the user reads: $says", async ({ pod: name, says }) => {
  const described = await describedOnce(name, onPage(says));
  console.log(`$ kubectl describe pod ${name}\n${described}`);
  expect(described).not.toContain("expired-long-ago");
});
