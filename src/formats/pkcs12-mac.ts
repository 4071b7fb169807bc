import forge from "node-forge";
import { integerOf, octetsOf, oidOf, partsOf, type Der } from "./der.ts";
import { pbkdf2Of } from "./pkcs12-seal.ts";
import {
  foreign,
  refused,
  WrongPassword,
  type EmptyPassword,
  type JudgeIterations,
  type Sealed,
} from "./pkcs12-work.ts";

type Digest = () => forge.md.MessageDigest;

const digests: Readonly<Record<string, Digest>> = {
  "1.3.14.3.2.26": () => forge.md.sha1.create(),
  "2.16.840.1.101.3.4.2.1": () => forge.md.sha256.create(),
  "2.16.840.1.101.3.4.2.2": () => forge.md.sha384.create(),
  "2.16.840.1.101.3.4.2.3": () => forge.md.sha512.create(),
};

const PBMAC1 = "1.2.840.113549.1.5.14";
const hmacs: Readonly<Record<string, Digest>> = {
  "1.2.840.113549.2.7": () => forge.md.sha1.create(),
  "1.2.840.113549.2.9": () => forge.md.sha256.create(),
  "1.2.840.113549.2.10": () => forge.md.sha384.create(),
  "1.2.840.113549.2.11": () => forge.md.sha512.create(),
};
/** A derived key is as long as its hash; each further block of it would cost all iterations once more. */
const LONGEST_KEY = 64n;

/** What node-forge has and its types do not. */
const { pbe } = forge as unknown as {
  readonly pbe: {
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
  };
};

/** How the key of a MAC is derived, and what it is used with. */
interface Mac {
  readonly key: Sealed<forge.util.ByteBuffer>;
  readonly digest: Digest;
}

/** The check of a MacData over the content: throws WrongPassword where it does not fit. Without a MAC all fits. */
export function readMac(macData: Der | undefined, content: string, judge: JudgeIterations): Sealed<void> {
  if (macData === undefined) return () => undefined;
  const [algorithm, expected] = partsOf(partsOf(macData)[0]);
  const [name, parameters] = partsOf(algorithm);
  const oid = oidOf(name);
  const { key, digest } = oid === PBMAC1 ? readPbmac1(parameters, judge) : readClassic(oid, macData, judge);
  return (password) => {
    const hmac = forge.hmac.create();
    hmac.start(digest(), key(password));
    hmac.update(content);
    if (hmac.digest().getBytes() !== octetsOf(expected)) throw new WrongPassword();
  };
}

/** By the key derivation of PKCS#12 (RFC 7292, B.2); a count that is left out is 1. */
function readClassic(oid: string, macData: Der, judge: JudgeIterations): Mac {
  const digest = digests[oid];
  if (digest === undefined) throw foreign("digest algorithm", oid);
  const [, salt, count] = partsOf(macData);
  const iterations = judge(count === undefined ? 1n : integerOf(count));
  return {
    digest,
    key: (password) => {
      const md = digest();
      return pbe.generatePkcs12Key(
        password,
        forge.util.createBuffer(octetsOf(salt)),
        3,
        iterations,
        md.digestLength,
        md,
      );
    },
  };
}

/** By PBKDF2 (RFC 9579), as openssl writes it from 3.4 on. Salt and count of the MacData itself mean nothing here. */
function readPbmac1(parameters: Der | undefined, judge: JudgeIterations): Mac {
  const [derivation, scheme] = partsOf(parameters);
  const [salt, count, length, prf] = partsOf(pbkdf2Of(derivation));
  const iterations = judge(integerOf(count));
  const bytes = integerOf(length);
  if (bytes < 1n || bytes > LONGEST_KEY) throw refused("the key of its MAC has no usual length");
  const derive = hmacOf(prf);
  return {
    digest: hmacOf(scheme),
    key: () => forge.util.createBuffer(forge.pkcs5.pbkdf2("", octetsOf(salt), iterations, Number(bytes), derive())),
  };
}

function hmacOf(algorithm: Der | undefined): Digest {
  const oid = oidOf(partsOf(algorithm)[0]);
  return hmacs[oid] ?? unknownHmac(oid);
}

function unknownHmac(oid: string): never {
  throw foreign("digest algorithm", oid);
}
