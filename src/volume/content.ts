import { DriverError, inContext } from "../errors.ts";
import type {
  ContentRequest,
  ObjectVersion,
  Parameters,
  Payload,
  PublishRequest,
  SecretProviderClass,
} from "../model.ts";
import type { Freshness } from "../ports.ts";
import { parsePayload } from "./payload.ts";
import type { VolumePorts } from "./volume-ports.ts";

/** The content of a volume, checked and ready to be written. */
export interface CheckedContent {
  readonly payload: Payload;
  readonly versions: readonly ObjectVersion[];
}

/** SecretProviderClass → provider → checked content. Touches nothing on the node. */
export async function fetchContent(
  request: PublishRequest,
  ports: Pick<VolumePorts, "classes" | "providers">,
  freshness: Freshness,
  signal: AbortSignal,
): Promise<CheckedContent> {
  const { pod, className } = request.volume;
  const spc = await ports.classes.read({ namespace: pod.namespace, name: className }, freshness, signal);
  try {
    const content = await providerOf(spc, ports).fetch(contentRequest(request, spc), freshness, signal);
    if (content.versions.length === 0) throw nothingNamed(spc);
    return { payload: parsePayload(content.files), versions: content.versions };
  } catch (error) {
    throw inContext(`failed to mount secrets store objects for pod ${pod.namespace}/${pod.name}, err: `, error);
  }
}

function providerOf(spc: SecretProviderClass, ports: Pick<VolumePorts, "providers">) {
  if (spc.provider === "") throw unset(spc, "provider");
  if (Object.keys(spc.parameters).length === 0) throw unset(spc, "parameters");
  return ports.providers.named(spc.provider);
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
