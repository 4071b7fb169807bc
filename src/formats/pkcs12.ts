import { DriverError } from "../errors.ts";
import { binary, octetsOf, oidOf, partsOf, readDer, taggedIn, writeDer, type Der } from "./der.ts";
import { readMac } from "./pkcs12-mac.ts";
import { readSealed } from "./pkcs12-seal.ts";
import {
  createJudge,
  TooMuchWork,
  WrongPassword,
  type EmptyPassword,
  type JudgeIterations,
  type Sealed,
} from "./pkcs12-work.ts";

/** What a PFX holds, in the order in which it holds it. */
export interface Pkcs12 {
  /** Each PKCS#8 as a rule; not looked into. */
  readonly keys: readonly Uint8Array[];
  /** Each X.509; not looked into. */
  readonly certificates: readonly Uint8Array[];
}

/**
 * Decodes a PFX with the empty password (azure-provider 4.3): RC2-40, 3DES and PBES2, any number of parts, with a MAC
 * or without. Throws ProviderError, which quotes nothing, and TooMuchWork where its iterations are together above
 * `mostIterations`. May take long: not for the thread that serves pods.
 */
export function decodePkcs12(pfx: Uint8Array, mostIterations = Infinity): Pkcs12 {
  try {
    const items = openWithEmptyPassword(readPfx(readDer(binary.from(pfx)), createJudge(mostIterations)));
    const all = (kind: Item["kind"]) => items.filter((item) => item.kind === kind).map(({ der }) => binary.to(der));
    return { keys: all("key"), certificates: all("certificate") };
  } catch (error) {
    if (error instanceof TooMuchWork) throw error;
    if (error instanceof DriverError && error.message.startsWith("pkcs12: ")) throw error;
    throw new DriverError(
      "ProviderError",
      "pkcs12: the value is no PFX, or a damaged one: import the certificate anew",
    );
  }
}

interface Item {
  readonly kind: "key" | "certificate";
  readonly der: string;
}

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";

/** Everything that can be judged without a key is judged here; nothing is derived yet. */
function readPfx(pfx: Der, judge: JudgeIterations): Sealed<readonly Item[]> {
  const [, authSafe, macData] = partsOf(pfx);
  const [type, content] = partsOf(authSafe);
  if (oidOf(type) !== DATA) throw unsupported("a signed PFX");
  const bytes = octetsOf(taggedIn(content));
  const checkMac = readMac(macData, bytes, judge);
  const parts = partsOf(readDer(bytes)).map((part) => readPart(part, judge));
  return (password) => {
    checkMac(password);
    return parts.flatMap((open) => open(password));
  };
}

function readPart(info: Der, judge: JudgeIterations): Sealed<readonly Item[]> {
  const [type, content] = partsOf(info);
  const oid = oidOf(type);
  if (oid === DATA) return readBags(octetsOf(taggedIn(content)), judge);
  if (oid !== ENCRYPTED_DATA) throw unsupported("a PFX that is encrypted with a certificate");
  const [, algorithm, encrypted] = partsOf(partsOf(taggedIn(content))[1]);
  const open = readSealed(algorithm, octetsOf(encrypted), judge);
  return (password) => readBags(open(password), judge)(password);
}

function readBags(safeContents: string, judge: JudgeIterations): Sealed<readonly Item[]> {
  const bags = partsOf(readDer(safeContents)).map((bag) => readBag(bag, judge));
  return (password) => bags.flatMap((open) => open(password));
}

const readers: Readonly<Record<string, (value: Der, judge: JudgeIterations) => Sealed<readonly Item[]>>> = {
  "1.2.840.113549.1.12.10.1.1": (key) => () => [{ kind: "key", der: writeDer(key) }],
  "1.2.840.113549.1.12.10.1.2": (shrouded, judge) => {
    const [algorithm, encrypted] = partsOf(shrouded);
    const open = readSealed(algorithm, octetsOf(encrypted), judge);
    return (password) => [{ kind: "key", der: open(password) }];
  },
  "1.2.840.113549.1.12.10.1.3": (certificate) => () => {
    const [type, value] = partsOf(certificate);
    return oidOf(type) === X509_CERTIFICATE ? [{ kind: "certificate", der: octetsOf(taggedIn(value)) }] : [];
  },
  "1.2.840.113549.1.12.10.1.6": (safeContents, judge) => readBags(writeDer(safeContents), judge),
};

/** Revocation lists and foreign secrets are left out. */
function readBag(bag: Der, judge: JudgeIterations): Sealed<readonly Item[]> {
  const [type, value] = partsOf(bag);
  const read = readers[oidOf(type)];
  return read === undefined ? () => [] : read(taggedIn(value), judge);
}

function openWithEmptyPassword<T>(sealed: Sealed<T>): T {
  const passwords: readonly EmptyPassword[] = ["", null];
  for (const password of passwords) {
    try {
      return sealed(password);
    } catch (error) {
      if (!(error instanceof WrongPassword)) throw error;
    }
  }
  throw new DriverError(
    "ProviderError",
    "pkcs12: decryption password incorrect: the PFX has a password, or is damaged: import the certificate anew",
  );
}

function unsupported(what: string): DriverError {
  return new DriverError(
    "ProviderError",
    `pkcs12: ${what} is not supported: export the certificate anew with a password`,
  );
}
