import { DriverError } from "../errors.ts";
import type { DesiredSecret, LiveSecret, SecretChanges } from "../model.ts";
import { CLASS, MANAGED } from "./marks.ts";

/** Why a Secret that is there must not be written; undefined when it may. Each says what to do. */
export function refusalOf(live: LiveSecret, desired: DesiredSecret): DriverError | undefined {
  const name = `Secret ${live.ref.namespace}/${live.ref.name}`;
  const otherClass = live.annotations[CLASS];
  if (live.labels[MANAGED] !== "true")
    return refused(
      `${name} is there already and not managed by this driver: ` +
        `choose another secretName, or delete it, or hand it over with the label ${MANAGED}=true`,
    );
  if (otherClass !== undefined && otherClass !== desired.annotations[CLASS])
    return refused(
      `${name} mirrors SecretProviderClass ${JSON.stringify(otherClass)}: choose another secretName, or delete the Secret`,
    );
  if (live.type !== desired.type)
    return refused(
      `${name} has type ${JSON.stringify(live.type)} and is to have type ${JSON.stringify(desired.type)}, ` +
        "which Kubernetes never changes: delete it, and it will be made anew",
    );
  return undefined;
}

/** The same of its values alone, which somebody froze. */
export function frozenRefusal(live: LiveSecret, { data }: SecretChanges): DriverError | undefined {
  if (!live.immutable || Object.keys(data).length === 0) return undefined;
  return refused(
    `Secret ${live.ref.namespace}/${live.ref.name} is immutable and its values are out of date: delete it, and it will be made anew`,
  );
}

function refused(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
