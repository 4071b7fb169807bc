import { createPublicKey, type JsonWebKey } from "node:crypto";
import { DriverError } from "../../errors.ts";
import { pemBlock } from "../../formats/pem.ts";
import type { KeyBundle } from "./vault.ts";

type VaultKey = NonNullable<KeyBundle["key"]>;

/** A key of the vault as a `PUBLIC KEY` PEM block (azure-provider 4.7). Throws ProviderError for what cannot be one. */
export function publicKeyPem(key: VaultKey): string {
  try {
    return pemBlock(
      "PUBLIC KEY",
      createPublicKey({ format: "jwk", key: toJwk(key) }).export({ format: "der", type: "spki" }),
    );
  } catch (error) {
    if (error instanceof DriverError) throw error;
    throw new DriverError("ProviderError", "failed to get key. its numbers make no key", { cause: error });
  }
}

const curves = new Set(["P-256", "P-384", "P-521"]);

function toJwk({ kty, crv, ...numbers }: VaultKey): JsonWebKey {
  // A key in an HSM has the same public half.
  const family = kty?.replace(/-HSM$/, "");
  if (family === "RSA") return { kty: family, ...pick(numbers, ["n", "e"]) };
  if (family !== "EC") {
    throw new DriverError("ProviderError", `failed to get key. key type '${printable(kty)}' currently not supported`);
  }
  if (crv === undefined || !curves.has(crv)) {
    throw new DriverError("ProviderError", `curve ${printable(crv)} is not supported`);
  }
  return { kty: family, crv, ...pick(numbers, ["x", "y"]) };
}

/** An empty number is left out: the import refuses a key without it, but takes an empty modulus for zero. */
function pick(numbers: VaultKey, names: readonly ("n" | "e" | "x" | "y")[]): JsonWebKey {
  return Object.fromEntries(names.flatMap((name) => (numbers[name] ? [[name, numbers[name]]] : [])));
}

/** Text of a response leaves the process by pattern only. */
function printable(name: string | undefined): string {
  return name !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(name) ? name : "unknown";
}
