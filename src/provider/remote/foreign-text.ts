/** More of a provider's message than this helps nobody; it travels in a header, in events and in logs. */
const LONGEST = 1_000;

/** A provider's text, fit to be shown: one line, valid, not too long. */
export function shown(text: string, longest = LONGEST): string {
  const line = text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  return line.length > longest ? `${line.slice(0, longest).toWellFormed()}…` : line;
}
