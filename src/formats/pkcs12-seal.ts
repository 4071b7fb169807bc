import forge from "node-forge";
import { DriverError } from "../errors.ts";
import { integerOf, octetsOf, oidOf, partsOf, type Der } from "./der.ts";

/** A PFX has the empty password, which is written in two ways: as a terminated text, or as no bytes at all. */
export type EmptyPassword = "" | null;

/** Something that was read and judged, and is decrypted when it is called. */
export type Sealed<T> = (password: EmptyPassword) => T;

/** A password that does not fit shows as padding that is none. */
export class WrongPassword extends Error {}

/** More is refused before anything is derived: a count of 2³¹ would keep a processor for an hour (design section 9). */
const MOST_ITERATIONS = 1_000_000n;

const PBES2 = "1.2.840.113549.1.5.13";
const PBE_3DES = "1.2.840.113549.1.12.1.3";
const PBE_RC2_40 = "1.2.840.113549.1.12.1.6";

/** What node-forge has and its types do not. */
interface Pbe {
  getCipher(oid: string, parameters: Der, password: EmptyPassword): forge.cipher.BlockCipher;
  generatePkcs12Key(
    password: EmptyPassword,
    ...rest: readonly [
      salt: forge.util.ByteBuffer,
      id: number,
      count: number,
      length: number,
      md: forge.md.MessageDigest,
    ]
  ): forge.util.ByteBuffer;
}
const { pbe } = forge as unknown as { readonly pbe: Pbe };

/** Encrypted bytes, by their AlgorithmIdentifier. Refuses unknown algorithms and high iteration counts at once. */
export function readSealed(algorithm: Der | undefined, encrypted: string): Sealed<string> {
  const [name, parameters] = partsOf(algorithm);
  const oid = oidOf(name);
  if (parameters === undefined || ![PBES2, PBE_3DES, PBE_RC2_40].includes(oid)) throw foreign("algorithm", oid);
  const [, count] = partsOf(oid === PBES2 ? partsOf(partsOf(parameters)[0])[1] : parameters);
  judgeIterations(integerOf(count));
  return (password) => {
    const cipher = pbe.getCipher(oid, parameters, oid === PBES2 ? "" : password);
    cipher.update(forge.util.createBuffer(encrypted));
    if (!cipher.finish()) throw new WrongPassword();
    return cipher.output.getBytes();
  };
}

const digests: Readonly<Record<string, () => forge.md.MessageDigest>> = {
  "1.3.14.3.2.26": () => forge.md.sha1.create(),
  "2.16.840.1.101.3.4.2.1": () => forge.md.sha256.create(),
  "2.16.840.1.101.3.4.2.2": () => forge.md.sha384.create(),
  "2.16.840.1.101.3.4.2.3": () => forge.md.sha512.create(),
};

/** The check of a MacData over the content: throws WrongPassword where it does not fit. Without a MAC all fits. */
export function readMac(macData: Der | undefined, content: string): Sealed<void> {
  if (macData === undefined) return () => undefined;
  const [info, salt, count] = partsOf(macData);
  const [algorithm, mac] = partsOf(info);
  const oid = oidOf(partsOf(algorithm)[0]);
  const createDigest = digests[oid];
  if (createDigest === undefined) throw foreign("digest algorithm", oid);
  const iterations = count === undefined ? 1 : judgeIterations(integerOf(count));
  return (password) => {
    const md = createDigest();
    const salted = forge.util.createBuffer(octetsOf(salt));
    const key = pbe.generatePkcs12Key(password, salted, 3, iterations, md.digestLength, md);
    const hmac = forge.hmac.create();
    hmac.start(createDigest(), key);
    hmac.update(content);
    if (hmac.digest().getBytes() !== octetsOf(mac)) throw new WrongPassword();
  };
}

function judgeIterations(count: bigint): number {
  if (count > MOST_ITERATIONS) {
    const most = MOST_ITERATIONS.toString();
    throw refused(`an iteration count is above the limit of ${most}: export the certificate anew with a lower one`);
  }
  if (count < 1n) throw refused("an iteration count is below 1");
  return Number(count);
}

function foreign(what: string, oid: string): DriverError {
  return refused(`unknown ${what}: ${oid}`);
}

function refused(message: string): DriverError {
  return new DriverError("ProviderError", `pkcs12: ${message}`);
}
