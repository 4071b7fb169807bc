import type { KubernetesObject } from "../release-model.ts";
import type { Watches } from "../release-ports.ts";
import { keyOf } from "./desired.ts";

/** The objects that are watched. */
export interface Followed {
  /** These and no others from now on; who is followed already goes on. */
  follow(objects: readonly KubernetesObject[]): void;
}

export function createFollowed(watches: Watches, heard: (key: string) => void): Followed {
  const followed = new Map<string, { stop(): void }>();
  return {
    follow: (objects) => {
      const wanted = new Map(objects.map((object) => [keyOf(object), object]));
      for (const [key, watch] of followed)
        if (!wanted.has(key)) {
          watch.stop();
          followed.delete(key);
        }
      for (const [key, object] of wanted)
        if (!followed.has(key)) {
          const watch = watches.follow(object, () => {
            heard(key);
          });
          followed.set(key, watch);
        }
    },
  };
}
