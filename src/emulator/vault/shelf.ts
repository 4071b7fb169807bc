import { prints } from "./bundles.ts";
import type { Print } from "./bundles.ts";
import type { Collection, Version, VersionOptions } from "./collection.ts";
import type { Kind, VaultObjects } from "./objects.ts";

/** One kind of objects of one vault as JSON, so that the routes need not know which kind it is. */
export interface Shelf {
  get(name: string, version?: string): { readonly enabled: boolean; readonly body: object } | undefined;
  /** In the order of their ids, which says nothing about their age (as with Azure). */
  versions(name: string): readonly object[];
  current(): readonly object[];
  change(name: string, version: string, options: Partial<VersionOptions>): object | undefined;
  delete(name: string): object | undefined;
  deleted(name: string): object | undefined;
  recover(name: string): object | undefined;
  purge(name: string): boolean;
  isEmpty(name: string): boolean;
}

/** The shelf of one kind. */
export function openShelf(objects: VaultObjects, kind: Kind, base: string): Shelf {
  switch (kind) {
    case "secrets":
      return createShelf(objects.secrets, prints.secrets, kind, base);
    case "keys":
      return createShelf(objects.keys, prints.keys, kind, base);
    case "certificates":
      return createShelf(objects.certificates, prints.certificates, kind, base);
  }
}

function createShelf<Value>(collection: Collection<Value>, print: Print<Value>, kind: Kind, base: string): Shelf {
  const idOf = ({ name }: Version<Value>): string => `${base}/${kind}/${name}`;
  const changed = (version: Version<Value> | undefined): object | undefined => version && print.changed(version, base);
  const deletedBundle = (version: Version<Value> | undefined): object | undefined =>
    version && {
      ...print.changed(version, base),
      recoveryId: `${base}/deleted${kind}/${version.name}`,
      deletedDate: Math.floor(Date.now() / 1000),
      scheduledPurgeDate: Math.floor(Date.now() / 1000) + 90 * 86_400,
    };
  return {
    get(name, version) {
      const found = collection.find(name, version);
      return found && { enabled: found.enabled, body: print.full(found, base) };
    },
    versions: (name) =>
      collection
        .versions(name)
        .toSorted((a, b) => a.version.localeCompare(b.version))
        .map((v) => print.item(v, `${idOf(v)}/${v.version}`)),
    current: () => collection.current().map((v) => print.item(v, idOf(v))),
    change: (name, version, options) => changed(collection.change(name, version, options)),
    delete: (name) => deletedBundle(collection.delete(name)),
    deleted: (name) => deletedBundle(collection.deleted(name)),
    recover: (name) => changed(collection.recover(name)),
    purge: (name) => collection.purge(name),
    isEmpty: (name) => collection.find(name) === undefined,
  };
}
