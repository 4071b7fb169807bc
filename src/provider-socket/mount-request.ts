import { parsePod, parseTarget, isKubelets, TOKENS } from "../csi/who-asks.ts";
import { DriverError, inContext } from "../errors.ts";
import type { MountRequest__Output as MountRequest } from "../grpc/generated/v1alpha1/MountRequest.ts";
import type { ContentRequest, Credentials, Parameters } from "../model.ts";
import { parseMode, parseTexts } from "./go-json.ts";

/**
 * Mount → domain. The order and the words are the established provider's (azure-provider 1.1, 1.3); then who asks is held to
 * the same rules as with kubelet. Throws InvalidRequest.
 */
export function parseMountRequest(message: MountRequest): ContentRequest {
  const attributes = decode("attributes", message.attributes, parseTexts) ?? {};
  const secrets = decode("secrets", message.secrets, parseTexts);
  const fileMode = decode("file permission", message.permission, parseMode);
  checkProvided("pod name", attributes["csi.storage.k8s.io/pod.name"]);
  checkProvided("pod namespace", attributes["csi.storage.k8s.io/pod.namespace"]);
  const { [TOKENS]: tokens, ...parameters } = attributes;
  const target = parseTarget(message.targetPath);
  const volume = {
    targetPath: message.targetPath,
    kubeletRoot: target.kubeletRoot,
    pod: parsePod(attributes, target, "attributes"),
    className: attributes["secretProviderClass"] ?? "",
  };
  return { volume, parameters, credentials: parseCredentials(secrets, tokens), fileMode };
}

function decode<Value>(field: string, json: string, read: (json: string) => Value): Value {
  try {
    return read(json);
  } catch (error) {
    throw inContext(`failed to unmarshal ${field}, error: `, error);
  }
}

function checkProvided(what: string, value = ""): void {
  if (value.trim() === "")
    throw new DriverError("InvalidRequest", `failed to mount objects, error: ${what} is not provided`);
}

/** Tokens come with the secrets (Kubernetes 1.35 and later, if the CSIDriver asks for it) or among the attributes. A Secret that is empty is one. */
function parseCredentials(secrets: Parameters | undefined, attributeTokens: string | undefined): Credentials {
  const entries = Object.entries(secrets ?? {});
  const own = entries.filter(([key]) => !isKubelets(key));
  const ofSecrets = secrets?.[TOKENS] ?? "";
  const tokens = ofSecrets === "" ? attributeTokens : ofSecrets;
  return {
    ...(secrets !== undefined && (own.length > 0 || entries.length === 0) && { secrets: Object.fromEntries(own) }),
    ...(tokens && { serviceAccountTokens: tokens }),
  };
}
