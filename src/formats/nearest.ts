import { distance } from "fastest-levenshtein";

/** The word that was probably meant; undefined where there is none to choose from. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return known.toSorted((a, b) => distance(word, a) - distance(word, b))[0];
}
