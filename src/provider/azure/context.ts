import { inContext } from "../../errors.ts";

/** Runs a step; what it throws gets the beginning under which users know its failures (azure-provider 1.3). */
export function withContext<T>(beginning: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw inContext(beginning, error);
  }
}
