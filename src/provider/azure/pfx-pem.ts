import { createPrivateKey, type KeyObject } from "node:crypto";
import { DriverError } from "../../errors.ts";
import { pemBlock } from "../../formats/pem.ts";
import { decodePkcs12 } from "../../formats/pkcs12.ts";
import { buildChain, type Chain } from "./chain.ts";

/** A PFX as PEM text. */
export interface PfxPem {
  readonly pem: string;
  /** Whether the certificates make a chain; true as well when none was asked for. */
  readonly complete: boolean;
}

/**
 * All private keys, then all certificates, from the leaf up if a chain is wanted (azure-provider 4.3). Throws
 * ProviderError, and TooMuchWork where the iterations of all keys together are above `mostIterations`.
 */
export function pfxToPem(pfx: Uint8Array, wantsChain: boolean, mostIterations?: number): PfxPem {
  const content = decodePkcs12(pfx, mostIterations);
  const keys = content.keys.map(keyPem);
  const { certificates, complete }: Chain = wantsChain
    ? buildChain(content.certificates)
    : { certificates: content.certificates, complete: true };
  const blocks = certificates.map((certificate) => pemBlock("CERTIFICATE", certificate));
  return { pem: [...keys, ...blocks].join(""), complete };
}

const sources = ["pkcs8", "pkcs1", "sec1"] as const;

function keyPem(der: Uint8Array): string {
  for (const type of sources) {
    const key = tryKey(der, type);
    if (key !== undefined) return pemBlock("PRIVATE KEY", key.export({ format: "der", type: "pkcs8" }));
  }
  throw new DriverError("ProviderError", "failed to parse key for type pkcs1, pkcs8 or ec");
}

function tryKey(der: Uint8Array, type: (typeof sources)[number]): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch {
    return undefined;
  }
}
