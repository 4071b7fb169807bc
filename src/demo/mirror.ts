import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KubernetesObject } from "../emulator/kubernetes/objects.ts";
import type { Narrator } from "./narrator.ts";
import { shop, shopSecret } from "./objects.ts";
import type { Stage } from "./stage.ts";
import { createPod, type Cast } from "./story.ts";

/** A certificate of the vault becomes a Secret of Kubernetes, as an ingress wants it. */
export async function mirror(on: Stage, { step, show, verify }: Narrator, { pod }: Cast): Promise<void> {
  await on.tell("/kubernetes/secret-sync", {});
  await on.tell(`/vaults/demo-vault/certificates/${shop.objectName}`, { subject: "CN=shop.example.com" });
  await createPod(on, { ...pod, ...shop });
  await step("A certificate of the vault, mirrored as a Secret of Kubernetes (spec.secretObjects)", () =>
    on.kubelet.publish(shop.pod),
  );
  const secret = await on.cluster.get(shopSecret);
  if (secret === undefined) throw new Error(`there is no Secret ${shopSecret.name}`);
  const files = filesIn(secret);
  const certificate = new X509Certificate(files.get("tls.crt") ?? "");
  const key = createPrivateKey(files.get("tls.key") ?? "");
  show(`${described(secret, files)}\ntls.crt   ${certificate.subject}, valid until ${certificate.validTo}`);
  verify(
    "it is a TLS Secret, its key belongs to its certificate",
    secret["type"] === "kubernetes.io/tls" && certificate.checkPrivateKey(key),
  );
  verify(
    "it goes with the pod: the pod's status owns it",
    secret.metadata.ownerReferences?.[0]?.kind === "SecretProviderClassPodStatus",
  );
}

function filesIn(secret: KubernetesObject): ReadonlyMap<string, Buffer> {
  const data = Object.entries((secret["data"] ?? {}) as Readonly<Record<string, string>>);
  return new Map(data.map(([name, value]) => [name, Buffer.from(value, "base64")]));
}

/** Without any value. */
function described({ metadata, type }: KubernetesObject, files: ReadonlyMap<string, Buffer>): string {
  const { name, labels = {}, ownerReferences = [] } = metadata;
  return [
    `secret/${name}`,
    `type      ${String(type)}`,
    `data      ${[...files].map(([file, { length }]) => `${file}: ${length} bytes`).join(", ")}`,
    ...Object.entries(labels).map(([label, value]) => `label     ${label}=${value}`),
    ...ownerReferences.map((owner) => `owner     ${owner.kind} ${owner.name}`),
  ].join("\n");
}
