import type { MountRequest } from "../../grpc/generated/v1alpha1/MountRequest.ts";
import type { ContentRequest, Parameters } from "../../model.ts";

const TOKENS = "csi.storage.k8s.io/serviceAccount.tokens";

/** Always: 0644 as JSON, a decimal number (csi-driver 2.3). */
const permission = "420";

/** What a provider is sent (csi-driver 2.3, 2.4): every value is text; without secrets the JSON is `null` and never empty. */
export function mountRequest({ volume, parameters, credentials }: ContentRequest): MountRequest {
  const { secrets, serviceAccountTokens, tokensInSecrets = false } = credentials;
  const tokens = serviceAccountTokens === undefined ? {} : { [TOKENS]: serviceAccountTokens };
  const asGiven = tokensInSecrets ? { ...secrets, ...tokens } : secrets;
  return {
    attributes: toJson({ ...parameters, ...tokens }),
    secrets: asGiven === undefined ? "null" : toJson(asGiven),
    targetPath: volume.targetPath,
    permission,
    currentObjectVersion: [],
  };
}

/** Half a surrogate pair is no text to some readers of JSON: as Go writes it, it is replaced. */
function toJson(texts: Parameters): string {
  const wellFormed = Object.entries(texts).map(([name, text]) => [name.toWellFormed(), text.toWellFormed()] as const);
  return JSON.stringify(Object.fromEntries(wellFormed));
}
