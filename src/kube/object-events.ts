import { randomUUID } from "node:crypto";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { KubernetesObject, ObjectEvent } from "../release-model.ts";
import type { Clock } from "../ports.ts";
import type { ObjectEvents } from "../release-ports.ts";
import { ask, type Cluster } from "./ask.ts";
import { collectionPath, CORE } from "./paths.ts";

const component = "azure-keyvault-csi-reconciler";
/** What the API server takes as a message (core v1). */
const MOST_CHARACTERS = 1_024;

export interface ObjectEventsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends what is on its way. */
  readonly signal: AbortSignal;
}

/** Events of any object in a namespace, each sent once; one that cannot be sent is a matter of the log. */
export function createObjectEvents(cluster: Cluster, { clock, log, signal }: ObjectEventsOptions): ObjectEvents {
  return {
    record: (about, event) => {
      const content = manifestOf(about, event, clock());
      const { namespace, name } = content.metadata;
      const path = collectionPath(CORE, "events", namespace);
      const request = { method: "POST", path, body: { contentType: "application/json", content } } as const;
      ask(cluster, request, { resource: "events", ref: { namespace, name } }, signal).catch((error: unknown) => {
        log.info("an event could not be sent", { reason: event.reason, err: messageOf(error) }, 2);
      });
    },
  };
}

function manifestOf({ apiVersion, kind, metadata }: KubernetesObject, event: ObjectEvent, at: Date) {
  const { namespace = "", name, uid } = metadata;
  const time = `${at.toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace, name: `${name}.${randomUUID()}` },
    involvedObject: { apiVersion, kind, namespace, name, uid },
    ...event,
    message: event.message.slice(0, MOST_CHARACTERS),
    source: { component },
    reportingComponent: component,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
