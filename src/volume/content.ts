import { DriverError, inContext } from "../errors.ts";
import type {
  ContentRequest,
  ObjectVersion,
  Parameters,
  Payload,
  PublishRequest,
  SecretProviderClass,
} from "../model.ts";
import { parsePayload } from "./payload.ts";
import type { Asking, VolumePorts } from "./volume-ports.ts";

/** The content of a volume, checked and ready to be written. */
export interface CheckedContent {
  readonly payload: Payload;
  readonly versions: readonly ObjectVersion[];
}

/** SecretProviderClass → provider → checked content. Touches nothing on the node. */
export async function fetchContent(
  request: PublishRequest,
  secretProviderClass: SecretProviderClass,
  { providers, maxContentBytes }: Pick<VolumePorts, "providers" | "maxContentBytes">,
  { freshness, signal }: Asking,
): Promise<CheckedContent> {
  const { pod } = request.volume;
  const { provider } = secretProviderClass;
  try {
    const asked = contentRequest(request, checkedClass(secretProviderClass));
    const content = await providers.named(provider).fetch(asked, freshness, signal);
    if (content.versions.length === 0) throw nothingNamed(secretProviderClass);
    return { payload: parsePayload(content.files, maxContentBytes), versions: content.versions };
  } catch (error) {
    const beginning = `failed to mount secrets store objects for pod ${pod.namespace}/${pod.name}, err: `;
    throw inContext(beginning, error, provider);
  }
}

function checkedClass(spc: SecretProviderClass): SecretProviderClass {
  if (spc.provider === "") throw unset(spc, "provider");
  if (Object.keys(spc.parameters).length === 0) throw unset(spc, "parameters");
  return spc;
}

function contentRequest({ volume, attributes, credentials }: PublishRequest, spc: SecretProviderClass): ContentRequest {
  return { volume, parameters: mergeParameters(spc.parameters, attributes), credentials };
}

/**
 * The pod's attributes override the class, as with the established driver. What kubelet says of the pod cannot come
 * from a class: its keys there are dropped.
 */
function mergeParameters(ofClass: Parameters, ofPod: Parameters): Parameters {
  const own = Object.entries(ofClass).filter(([key]) => !key.startsWith("csi.storage.k8s.io/"));
  return { ...Object.fromEntries(own), ...ofPod };
}

function unset({ ref }: SecretProviderClass, field: string): DriverError {
  return new DriverError(
    "InvalidRequest",
    `${field} not set in secretproviderclass ${ref.namespace}/${ref.name}: set spec.${field}`,
  );
}

function nothingNamed({ ref }: SecretProviderClass): DriverError {
  return new DriverError(
    "InvalidRequest",
    `missing object versions: secretproviderclass ${ref.namespace}/${ref.name} names no objects, add one under objects`,
  );
}
