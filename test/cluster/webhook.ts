import { createAuthority } from "../../src/emulator/ca.ts";
import { listen } from "../../src/emulator/listener.ts";
import { apply, kubectl } from "./kubectl.ts";
import { helmRelease } from "./release.ts";

const name = "azure-keyvault-csi-test-stamps";
/** What it adds. */
export const stampLabel = "test.example/stamped";

interface Review {
  readonly request: { readonly uid: string; readonly object: { readonly metadata: { readonly labels?: object } } };
}

/** An admission webhook that labels whatever of the release is written, as a platform's policies do. Where the API server is on this machine. */
export async function startStamping(): Promise<{ stop(): Promise<void> }> {
  const authority = await createAuthority();
  const identity = await authority.issue(["127.0.0.1"]);
  const server = await listen(async (request) => Response.json(stamped((await request.json()) as Review)), {
    port: 0,
    identity,
  });
  const caBundle = Buffer.from(authority.pem).toString("base64");
  await apply({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "stamps.test.example",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Ignore",
        timeoutSeconds: 2,
        clientConfig: { url: `https://127.0.0.1:${server.port}/`, caBundle },
        objectSelector: { matchLabels: { "app.kubernetes.io/instance": helmRelease } },
        rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: ["*"] }],
      },
    ],
  });
  return {
    stop: async () => {
      await kubectl("delete", "mutatingwebhookconfiguration", name);
      await server.stop();
    },
  };
}

function stamped({ request }: Review): object {
  const patch = [{ op: "add", path: `/metadata/labels/${stampLabel.replace("/", "~1")}`, value: "yes" }];
  const answer = { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid: request.uid, allowed: true, ...(request.object.metadata.labels && answer) },
  };
}
