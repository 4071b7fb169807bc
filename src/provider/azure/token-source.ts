import type { AccessToken } from "@azure/identity";

/** Asks for a token; throws DriverError. */
export type TokenSource = (scopes: string | string[]) => Promise<AccessToken>;
