/** How a part misbehaves, and which requests it strikes. */
export type Fault = Reach & (Refusal | { readonly kind: "drop" | "half" | "hang" });

/** Every request until told otherwise; each limit that is set narrows it. */
interface Reach {
  /** Only so many of the next requests. */
  readonly requests?: number;
  /** Only requests of this method: those for a token, say, and not those for the metadata before it. */
  readonly method?: "GET" | "POST";
  /** Only for so long from now on. */
  readonly forMs?: number;
  /** Only those above so many in any second. */
  readonly abovePerSecond?: number;
}

/** An error status, with Retry-After if that is set. */
interface Refusal {
  readonly kind: "refuse";
  readonly status: number;
  readonly retryAfterS?: number;
  /** By default seconds. */
  readonly retryAfterAs?: "seconds" | "date";
}

interface Rule {
  readonly expects: string;
  accepts(value: unknown): boolean;
}

const rules: Readonly<Record<string, Rule>> = {
  kind: oneOf("refuse", "drop", "half", "hang"),
  status: wholeNumber(400, 599),
  retryAfterS: wholeNumber(0),
  retryAfterAs: oneOf("seconds", "date"),
  requests: wholeNumber(1),
  method: oneOf("GET", "POST"),
  forMs: wholeNumber(1),
  abovePerSecond: wholeNumber(1),
};
const ofRefusals = ["status", "retryAfterS", "retryAfterAs"];

/** A fault from JSON; throws an error that says what is wrong. */
export function parseFault(json: unknown): Fault {
  if (typeof json !== "object" || json === null) throw new Error("a fault is a JSON object");
  const fault: { readonly kind?: unknown } = json;
  judgeField("kind", fault.kind);
  for (const [field, value] of Object.entries(fault)) judgeField(field, value);
  const refusalFields = ofRefusals.filter((field) => field in fault);
  if (fault.kind !== "refuse" && refusalFields.length > 0)
    throw new Error(`${refusalFields.join()} is only for refuse`);
  if (fault.kind === "refuse" && !refusalFields.includes("status")) throw new Error("refuse needs a status");
  return fault as Fault;
}

function judgeField(field: string, value: unknown): void {
  const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
  if (rule === undefined) throw new Error(`${field} is unknown; known are ${Object.keys(rules).join(", ")}`);
  if (!rule.accepts(value)) throw new Error(`${field} must be ${rule.expects}`);
}

function oneOf(...words: readonly unknown[]): Rule {
  return { expects: words.join(" or "), accepts: (value) => words.includes(value) };
}

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Rule {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return {
    expects: `a whole number ${range}`,
    accepts: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}
