import { DriverError } from "../errors.ts";
import type { ObjectRef, Parameters, SecretProviderClass } from "../model.ts";
import type { Classes } from "../ports.ts";
import { ask, type Cluster } from "./ask.ts";
import { namespacedPath, SECRETS_STORE } from "./paths.ts";

const resource = "secretproviderclasses.secrets-store.csi.x-k8s.io";

/** SecretProviderClasses, read one by one when they are needed: no list, no watch. */
export function createClasses(cluster: Cluster): Classes {
  return {
    read: async (ref, signal) => {
      const beginning = `failed to get secretproviderclass ${ref.namespace}/${ref.name}, error: `;
      const request = { method: "GET", path: namespacedPath(SECRETS_STORE, "secretproviderclasses", ref) } as const;
      const body = await ask(cluster, request, { beginning, resource, ref }, signal);
      if (body === undefined) throw absent(beginning, ref);
      return parseClass(body, ref, beginning);
    },
  };
}

function absent(beginning: string, { namespace, name }: ObjectRef): DriverError {
  return new DriverError(
    "SecretProviderClassNotFound",
    `${beginning}${resource} "${name}" not found: create it in namespace "${namespace}", or correct secretProviderClass in the pod's volumeAttributes (or install the chart's CRDs)`,
  );
}

/** Takes what the CRD's schema promises; anything else did not come from a cluster with our CRDs. */
function parseClass(body: unknown, ref: ObjectRef, beginning: string): SecretProviderClass {
  const spec = (body as { spec?: { provider?: unknown; parameters?: unknown } } | null)?.spec ?? {};
  const { provider = "", parameters = {} } = spec;
  if (typeof provider !== "string" || !isStringMap(parameters))
    throw new DriverError("InvalidRequest", `${beginning}spec is not of the form that the CRD describes`);
  return { ref, provider, parameters };
}

function isStringMap(value: unknown): value is Parameters {
  return typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string");
}
