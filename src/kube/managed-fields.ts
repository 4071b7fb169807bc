/**
 * Whether a value of a Secret was last written by somebody else, as the API server records it (metadata.managedFields): a
 * value that another manager holds since our own last write. To the second, in doubt it was. Values that others wrote before, such as the
 * established driver, are as they were when ours looked at them. Where nothing is recorded, nobody did.
 */
export function isAltered(body: unknown, fieldManager: string): boolean {
  const entries = entriesOf(body);
  const ours = Math.max(...entries.filter(({ manager }) => manager === fieldManager).map(timeOf));
  return entries.some((entry) => entry.manager !== fieldManager && holdsValues(entry) && timeOf(entry) >= ours);
}

interface Entry {
  readonly manager?: unknown;
  readonly time?: unknown;
  readonly fieldsV1?: { readonly "f:data"?: unknown };
}

function entriesOf(body: unknown): readonly Entry[] {
  const fields = (body as { metadata?: { managedFields?: unknown } } | undefined)?.metadata?.managedFields;
  return Array.isArray(fields) ? (fields as readonly Entry[]) : [];
}

function holdsValues({ fieldsV1 }: Entry): boolean {
  return fieldsV1?.["f:data"] !== undefined;
}

function timeOf({ time }: Entry): number {
  return typeof time === "string" ? Date.parse(time) : -Infinity;
}
