import { DriverError, inContext } from "../errors.ts";
import type { ObjectRef, SecretProviderClass } from "../model.ts";
import type { Classes, Clock } from "../ports.ts";
import { createShared } from "../sharing/shared.ts";
import { ask, type Cluster } from "./ask.ts";
import { namespacedPath, SECRETS_STORE } from "./paths.ts";
import { notOfTheForm, parseSecretObjects, parseStrings } from "./secret-objects.ts";

const resource = "secretproviderclasses.secrets-store.csi.x-k8s.io";

/**
 * SecretProviderClasses, read one by one when they are needed: no list, no watch. However many volumes of a class ask at the
 * same time, it is read once.
 */
export function createClasses(cluster: Cluster, clock: Clock): Classes {
  const shared = createShared<SecretProviderClass>(clock);
  return {
    read: async (ref, freshness, signal) => {
      const key = `${ref.namespace}/${ref.name}`;
      try {
        return await shared.ask(key, freshness, signal, (flight) => {
          flight.leaves();
          return readClass(cluster, ref, flight.signal);
        });
      } catch (error) {
        throw inContext(`failed to get secretproviderclass ${key}, error: `, error);
      }
    },
  };
}

async function readClass(cluster: Cluster, ref: ObjectRef, signal: AbortSignal): Promise<SecretProviderClass> {
  const request = { method: "GET", path: namespacedPath(SECRETS_STORE, "secretproviderclasses", ref) } as const;
  const body = await ask(cluster, request, { resource, ref }, signal);
  if (body === undefined) throw absent(ref);
  return parseClass(body, ref);
}

function absent({ namespace, name }: ObjectRef): DriverError {
  return new DriverError(
    "SecretProviderClassNotFound",
    `${resource} "${name}" not found: create it in namespace "${namespace}", or correct secretProviderClass in the pod's volumeAttributes (or install the chart's CRDs)`,
  );
}

/** Takes what the CRD's schema promises; anything else did not come from a cluster with our CRDs. */
function parseClass(body: unknown, ref: ObjectRef): SecretProviderClass {
  const spec = (body as { spec?: Readonly<Record<string, unknown>> } | null)?.spec ?? {};
  const { provider = "", parameters, secretObjects } = spec;
  if (typeof provider !== "string") throw notOfTheForm("spec.provider");
  return {
    ref,
    provider,
    parameters: parseStrings("spec.parameters", parameters),
    secretObjects: parseSecretObjects(secretObjects),
  };
}
