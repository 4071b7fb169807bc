import type { DriverError } from "../errors.ts";
import type { ObjectRef } from "../model.ts";
import type { Secrets } from "../ports.ts";
import { isUnanswered } from "../sync/bring-about.ts";

/** Secrets of which each that the API did not answer for is not asked for again: many volumes may want the same. */
export function askOnce(secrets: Secrets): Secrets {
  const failures = new Map<string, DriverError>();

  async function unlessFailed<T>({ namespace, name }: ObjectRef, ask: () => Promise<T>): Promise<T> {
    const key = `${namespace}/${name}`;
    const earlier = failures.get(key);
    if (earlier !== undefined) throw earlier;
    try {
      return await ask();
    } catch (error) {
      if (isUnanswered(error)) failures.set(key, error);
      throw error;
    }
  }

  return {
    read: (ref, signal) => unlessFailed(ref, () => secrets.read(ref, signal)),
    create: (secret, signal) => unlessFailed(secret.ref, () => secrets.create(secret, signal)),
    patch: (seen, changes, signal) => unlessFailed(seen.ref, () => secrets.patch(seen, changes, signal)),
  };
}
