/** What a field of a JSON body holds; with "?" it may be left out. */
type FieldKind = "text" | "text?" | "flag?";

type Shape = Readonly<Record<string, FieldKind>>;

type FieldsOf<S extends Shape, Kind extends FieldKind> = { [F in keyof S]: S[F] extends Kind ? F : never }[keyof S];

/** A body of that shape. */
type Fields<S extends Shape> = Readonly<
  Record<FieldsOf<S, "text">, string> &
    Partial<Record<FieldsOf<S, "text?">, string> & Record<FieldsOf<S, "flag?">, boolean>>
>;

/** A JSON object of exactly these fields; throws an error that says what is wrong. */
export function parseFields<const S extends Shape>(json: unknown, shape: S): Fields<S> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error("the body is no JSON object");
  const fields: Readonly<Record<string, unknown>> = { ...json };
  const unknown = Object.keys(fields).find((field) => !Object.hasOwn(shape, field));
  if (unknown !== undefined) throw new Error(`${unknown} is unknown; known are ${Object.keys(shape).join(", ")}`);
  for (const [field, kind] of Object.entries(shape)) judge(field, kind, fields[field]);
  return fields as Fields<S>;
}

function judge(field: string, kind: FieldKind, value: unknown): void {
  if (value === undefined && kind.endsWith("?")) return;
  if (kind === "flag?" && typeof value !== "boolean") throw new Error(`${field} must be true or false`);
  if (kind !== "flag?" && (typeof value !== "string" || value === "")) throw new Error(`${field} must be a text`);
}
