import { DriverError } from "../errors.ts";

/** A PFX has the empty password, which is written in two ways: as a terminated text, or as no bytes at all. */
export type EmptyPassword = "" | null;

/** Something that was read and judged, and is decrypted when it is called. */
export type Sealed<T> = (password: EmptyPassword) => T;

/** A password that does not fit shows as padding that is none, or as a MAC that is another. */
export class WrongPassword extends Error {}

/** The iterations of one PFX are together more than was allowed; it may still be a good one. */
export class TooMuchWork extends Error {}

/** Passes an iteration count on, or throws: TooMuchWork, or ProviderError for one that is refused by itself. */
export type JudgeIterations = (count: bigint) => number;

/** More is refused before anything is derived: a count of 2³¹ would keep a processor for an hour (design section 9). */
const MOST_ITERATIONS = 1_000_000n;

/** Judges the counts of one PFX, each as soon as it is read and before it is used; `most` is what they may be together. */
export function createJudge(most: number): JudgeIterations {
  let left = most;
  return (count) => {
    if (count > MOST_ITERATIONS) {
      const limit = MOST_ITERATIONS.toString();
      throw refused(`an iteration count is above the limit of ${limit}: export the certificate anew with a lower one`);
    }
    if (count < 1n) throw refused("an iteration count is below 1");
    left -= Number(count);
    if (left < 0) throw new TooMuchWork();
    return Number(count);
  };
}

/** An algorithm that we do not have, by its number. */
export function foreign(what: string, oid: string): DriverError {
  return refused(`unknown ${what}: ${oid}`);
}

/** What a PFX is refused for, in its own words. */
export function refused(message: string): DriverError {
  return new DriverError("ProviderError", `pkcs12: ${message}`);
}
