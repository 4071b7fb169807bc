import { getSystemErrorMessage } from "node:util";
import { DriverError } from "../errors.ts";

/** A failed call as DriverError, with the errno's name and what it was about; anything else is passed on as it is. */
export function failure(deed: string, place: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  const because = error.errno === undefined ? error.code : `${error.code} (${getSystemErrorMessage(error.errno)})`;
  const remedy = error.code === "EBUSY" ? "; unmount what is mounted inside the volume" : "";
  return new DriverError("FileWriteError", `failed to ${deed} ${place}: ${because}${remedy}`, { cause: error });
}

/** The errno's name of a failed call, before or after it became a DriverError. */
export function errnoName(error: unknown): string | undefined {
  const origin = error instanceof DriverError ? error.cause : error;
  return isSystemError(origin) ? origin.code : undefined;
}

/** What the work gives, or undefined where it fails with one of the named errnos. */
export function unless<T>(names: readonly string[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const name = errnoName(error);
    if (name !== undefined && names.includes(name)) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
