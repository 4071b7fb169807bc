import { randomBytes } from "node:crypto";

/** What a caller may say about a version beside its value. */
export interface VersionOptions {
  readonly enabled?: boolean;
  readonly created?: Date;
  readonly expires?: Date;
  readonly notBefore?: Date;
  readonly tags?: Readonly<Record<string, string>>;
  /** 32 hex digits; a certificate, its key and its secret have the same. */
  readonly version?: string;
}

/** One version of one object. */
export interface Version<Value> extends Required<Pick<VersionOptions, "enabled" | "created" | "version">> {
  /** As it was written at first; looking it up ignores case. */
  readonly name: string;
  readonly value: Value;
  readonly updated: Date;
  readonly expires?: Date;
  readonly notBefore?: Date;
  readonly tags: Readonly<Record<string, string>>;
}

/** The objects of one kind in one vault, deleted ones among them until they are purged. */
export interface Collection<Value> {
  add(name: string, value: Value, options?: VersionOptions): Version<Value>;
  /** A version, the current one when none is named. */
  find(name: string, version?: string): Version<Value> | undefined;
  /** Oldest first; the last is the current one. */
  versions(name: string): readonly Version<Value>[];
  /** The current version of every object. */
  current(): readonly Version<Value>[];
  change(
    name: string,
    version: string | undefined,
    change: Partial<VersionOptions> & { value?: Value },
  ): Version<Value> | undefined;
  delete(name: string): Version<Value> | undefined;
  deleted(name: string): Version<Value> | undefined;
  recover(name: string): Version<Value> | undefined;
  purge(name: string): boolean;
}

/** An empty collection. */
export function createCollection<Value>(): Collection<Value> {
  const live = new Map<string, Version<Value>[]>();
  const gone = new Map<string, Version<Value>[]>();
  const versionsIn = (map: typeof live, name: string): Version<Value>[] => map.get(name.toLowerCase()) ?? [];

  function find(name: string, version?: string): Version<Value> | undefined {
    const versions = versionsIn(live, name);
    return version ? versions.find((v) => v.version === version) : versions.at(-1);
  }

  function move(name: string, from: typeof live, to: typeof live): Version<Value> | undefined {
    const versions = versionsIn(from, name);
    if (versions.length === 0) return undefined;
    from.delete(name.toLowerCase());
    to.set(name.toLowerCase(), versions);
    return versions.at(-1);
  }

  return {
    add(name, value, options = {}) {
      const versions = versionsIn(live, name);
      const made = makeVersion(versions[0]?.name ?? name, value, options);
      live.set(name.toLowerCase(), [...versions, made]);
      return made;
    },
    find,
    versions: (name) => versionsIn(live, name),
    current: () => [...live.values()].flatMap((versions) => versions.slice(-1)),
    change(name, version, change) {
      const old = find(name, version);
      if (old === undefined) return undefined;
      const changed = { ...old, ...change, version: old.version, updated: new Date() };
      live.set(
        name.toLowerCase(),
        versionsIn(live, name).map((v) => (v === old ? changed : v)),
      );
      return changed;
    },
    delete: (name) => move(name, live, gone),
    deleted: (name) => versionsIn(gone, name).at(-1),
    recover: (name) => move(name, gone, live),
    purge: (name) => gone.delete(name.toLowerCase()),
  };
}

/** A version id as Key Vault makes them. */
export function newVersionId(): string {
  return randomBytes(16).toString("hex");
}

function makeVersion<Value>(name: string, value: Value, options: VersionOptions): Version<Value> {
  const created = options.created ?? new Date();
  return { enabled: true, tags: {}, version: newVersionId(), ...options, name, value, created, updated: created };
}
