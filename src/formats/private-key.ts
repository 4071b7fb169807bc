import { createPrivateKey, type KeyObject } from "node:crypto";
import { pemBlock } from "./pem.ts";

const forms = ["pkcs1", "pkcs8", "sec1"] as const;

/**
 * An unencrypted private key, in whichever of its forms, as synced TLS Secrets have it (csi-driver 5.3): RSA as PKCS#1, elliptic
 * curves as SEC1; kinds that have no such form, like Ed25519, as PKCS#8. Undefined where the bytes are no such key.
 */
export function privateKeyPem(der: Uint8Array): string | undefined {
  for (const type of forms) {
    const key = readKey(der, type);
    if (key !== undefined) return print(key);
  }
  return undefined;
}

function readKey(der: Uint8Array, type: (typeof forms)[number]): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch {
    return undefined;
  }
}

const printed = { rsa: ["RSA PRIVATE KEY", "pkcs1"], ec: ["EC PRIVATE KEY", "sec1"] } as const;

function print(key: KeyObject): string {
  const kind = key.asymmetricKeyType;
  const [label, type] = kind === "rsa" || kind === "ec" ? printed[kind] : (["PRIVATE KEY", "pkcs8"] as const);
  return pemBlock(label, key.export({ format: "der", type }));
}
