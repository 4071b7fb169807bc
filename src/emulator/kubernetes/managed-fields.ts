import type { KubernetesObject } from "./objects.ts";

interface Entry {
  readonly manager: string;
  readonly operation: "Update";
  readonly time: string;
  readonly fieldsV1: { readonly "f:data": Readonly<Record<string, object>> };
}

/** An object with the record of who wrote which value of `data` last: who changes a value takes it from all others. */
export function recorded(
  live: KubernetesObject | undefined,
  wanted: KubernetesObject,
  manager: string,
): KubernetesObject {
  const [before, after] = [dataOf(live), dataOf(wanted)];
  const written = Object.keys(after).filter((key) => before[key] !== after[key]);
  const earlier = entriesOf(live);
  const own = keysOf(earlier.find((entry) => entry.manager === manager)).filter((key) => key in after);
  const others = earlier
    .filter((entry) => entry.manager !== manager)
    .map((entry) => ({
      ...entry,
      fieldsV1: fieldsOf(keysOf(entry).filter((key) => key in after && !written.includes(key))),
    }))
    .filter((entry) => keysOf(entry).length > 0);
  const entry: Entry = {
    manager,
    operation: "Update",
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    fieldsV1: fieldsOf([...new Set([...own, ...written])]),
  };
  return { ...wanted, metadata: { ...wanted.metadata, managedFields: [...others, entry] } };
}

function entriesOf(object: KubernetesObject | undefined): readonly Entry[] {
  return (object?.metadata["managedFields"] ?? []) as readonly Entry[];
}

function keysOf(entry: Entry | undefined): readonly string[] {
  return Object.keys(entry?.fieldsV1["f:data"] ?? {}).map((name) => name.slice("f:".length));
}

function fieldsOf(keys: readonly string[]): Entry["fieldsV1"] {
  return { "f:data": Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) };
}

function dataOf(object: KubernetesObject | undefined): Readonly<Record<string, unknown>> {
  return (object?.["data"] ?? {}) as Readonly<Record<string, unknown>>;
}
