import forge from "node-forge";
import { integerOf, oidOf, partsOf, type Der } from "./der.ts";
import { foreign, WrongPassword, type EmptyPassword, type JudgeIterations, type Sealed } from "./pkcs12-work.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const PBE_3DES = "1.2.840.113549.1.12.1.3";
const PBE_RC2_40 = "1.2.840.113549.1.12.1.6";

/** What node-forge has and its types do not. */
const { pbe } = forge as unknown as {
  readonly pbe: { getCipher(oid: string, parameters: Der, password: EmptyPassword): forge.cipher.BlockCipher };
};

/** Encrypted bytes, by their AlgorithmIdentifier. Refuses unknown algorithms and high iteration counts at once. */
export function readSealed(algorithm: Der | undefined, encrypted: string, judge: JudgeIterations): Sealed<string> {
  const [name, parameters] = partsOf(algorithm);
  const oid = oidOf(name);
  if (parameters === undefined || ![PBES2, PBE_3DES, PBE_RC2_40].includes(oid)) throw foreign("algorithm", oid);
  const [, count] = partsOf(oid === PBES2 ? pbkdf2Of(partsOf(parameters)[0]) : parameters);
  judge(integerOf(count));
  return (password) => {
    const cipher = pbe.getCipher(oid, parameters, oid === PBES2 ? "" : password);
    cipher.update(forge.util.createBuffer(encrypted));
    if (!cipher.finish()) throw new WrongPassword();
    return cipher.output.getBytes();
  };
}

/** The parameters of a PBKDF2: salt, iteration count, length of the key, hash. Refuses every other derivation. */
export function pbkdf2Of(derivation: Der | undefined): Der | undefined {
  const [name, parameters] = partsOf(derivation);
  const oid = oidOf(name);
  if (oid !== PBKDF2) throw foreign("key derivation", oid);
  return parameters;
}
