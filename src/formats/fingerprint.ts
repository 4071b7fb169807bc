/**
 * A text as a number of 32 bits (FNV-1a): to tell a few texts apart without keeping them, and to spread many evenly. It
 * hides nothing, and who wants to finds two texts with one fingerprint.
 */
export function fingerprintOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
