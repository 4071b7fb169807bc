/** What an answer says about when to ask again. */
export interface Postponement {
  readonly retryAfter?: string | undefined;
  /** The answerer's own clock. */
  readonly date?: string | undefined;
}

/** In ms. Seconds, or an HTTP date by the answerer's clock (RFC 9110, 10.2.3); anything else is as good as nothing. */
export function parseRetryAfter({ retryAfter = "", date = "" }: Postponement, now: Date): number | undefined {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const until = parseHttpDate(retryAfter);
  return until && Math.max(0, until - (parseHttpDate(date) ?? now.getTime()));
}

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function parseHttpDate(text: string): number | undefined {
  const time = httpDate.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : time;
}
