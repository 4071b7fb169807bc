import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";
import forge from "node-forge";

const { asn1 } = forge;
type Node = forge.asn1.Asn1;

const oids = {
  data: "1.2.840.113549.1.7.1",
  encryptedData: "1.2.840.113549.1.7.6",
  keyBag: "1.2.840.113549.1.12.10.1.1",
  shroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
  certBag: "1.2.840.113549.1.12.10.1.3",
  x509: "1.2.840.113549.1.9.22.1",
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  aes256: "2.16.840.1.101.3.4.1.42",
  pbe3des: "1.2.840.113549.1.12.1.3",
  sha1: "1.3.14.3.2.26",
  pbmac1: "1.2.840.113549.1.5.14",
  hmacSha256: "1.2.840.113549.2.9",
} as const;

const seq = (...parts: Node[]): Node => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
const octets = (bytes: string): Node => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes);
const oid = (dots: string): Node =>
  asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(dots).getBytes());
const integer = (value: number): Node => {
  const hex = value.toString(16);
  const even = hex.length % 2 === 1 ? `0${hex}` : hex;
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, forge.util.hexToBytes(`00${even}`));
};
/** A tag of a context's own, which the types' enumeration does not have. */
const context = (number: number, constructed: boolean, value: string | Node[]): Node => {
  const create: (tagClass: number, type: number, constructed: boolean, value: string | Node[]) => Node = asn1.create;
  return create(0x80, number, constructed, value);
};
const tag = (number: number, part: Node): Node => context(number, true, [part]);
const bytesOf = (node: Node): string => asn1.toDer(node).getBytes();

const salt = "saltsalt";

/** A part, or a bag in one. */
export type Crafted = Node;

/** PBES2 with PBKDF2 and AES-256. */
export function pbes2(count: number): Node {
  const kdf = seq(oid(oids.pbkdf2), seq(octets(salt), integer(count)));
  return seq(oid(oids.pbes2), seq(kdf, seq(oid(oids.aes256), octets("0123456789abcdef"))));
}

/** The key derivation of PKCS#12 and 3DES. */
export function pbe(count: number): Node {
  return seq(oid(oids.pbe3des), seq(octets(salt), integer(count)));
}

export function shroudedKey(algorithm: Node, encrypted = "x".repeat(64)): Crafted {
  return seq(oid(oids.shroudedKeyBag), tag(0, seq(algorithm, octets(encrypted))));
}

/** A key bag that is not encrypted; DER of any kind of key. */
export function plainKey(der: Uint8Array): Crafted {
  return seq(oid(oids.keyBag), tag(0, asn1.fromDer(Buffer.from(der).toString("latin1"))));
}

export function certificateBag(der: Uint8Array): Crafted {
  return seq(oid(oids.certBag), tag(0, seq(oid(oids.x509), tag(0, octets(Buffer.from(der).toString("latin1"))))));
}

/** A bag of bags. */
export function nested(...bags: Crafted[]): Crafted {
  return seq(oid("1.2.840.113549.1.12.10.1.6"), tag(0, seq(...bags)));
}

/** A revocation list, more or less. */
export function foreignBag(): Crafted {
  return seq(oid("1.2.840.113549.1.12.10.1.4"), tag(0, octets("revoked")));
}

export function plainPart(...bags: Crafted[]): Crafted {
  return seq(oid(oids.data), tag(0, octets(bytesOf(seq(...bags)))));
}

/** The same in BER, as some programs write it: its bytes in two pieces. */
export function inPieces(part: Crafted): Crafted {
  const [type = part, tagged = part] = part.value as Node[];
  const content = (tagged.value as (Node & { value: string })[])[0]?.value ?? "";
  const pieces = [octets(content.slice(0, 7)), octets(content.slice(7))];
  const string = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, true, pieces);
  return seq(type, tag(0, string));
}

/** A part that says how it is encrypted and is not. */
export function garbagePart(algorithm: Node): Crafted {
  return encryptedPart(algorithm, "x".repeat(64));
}

/** A part that really is encrypted, by PBES2 with one iteration. */
export function sealedPart(...bags: Crafted[]): Crafted {
  return slowPart(1, ...bags);
}

/** The same with so many iterations. */
export function slowPart(count: number, ...bags: Crafted[]): Crafted {
  const cipher = createCipheriv("aes-256-cbc", pbkdf2Sync("", salt, count, 32, "sha1"), "0123456789abcdef");
  const encrypted = Buffer.concat([cipher.update(bytesOf(seq(...bags)), "latin1"), cipher.final()]);
  return encryptedPart(pbes2(count), encrypted.toString("latin1"));
}

/** Good PFX that take minutes each: as many iterations as are let through, again and again. All are different. */
export function endlessPfxs(count: number): readonly Buffer[] {
  const part = slowPart(1_000_000);
  return Array.from({ length: count }, (_, n) => craftPfx(Array<Crafted>(100 + n).fill(part)));
}

/** A private key that is encrypted by itself, where a plain one is expected. */
export function encryptedKey(count: number): Buffer {
  return Buffer.from(bytesOf(seq(pbes2(count), octets("x".repeat(64)))), "latin1");
}

function encryptedPart(algorithm: Node, encrypted: string): Crafted {
  const content = context(0, false, encrypted);
  return seq(oid(oids.encryptedData), tag(0, seq(integer(0), seq(oid(oids.data), algorithm, content))));
}

/** A PFX of parts; a MAC by SHA-1 with so many iterations if wanted, which is right if the password is no bytes at all. */
export function craftPfx(parts: readonly Crafted[], macIterations?: number): Buffer {
  const content = bytesOf(seq(...parts));
  const mac = macIterations === undefined ? [] : [macOf(content, macIterations)];
  const pfx = seq(integer(3), seq(oid(oids.data), tag(0, octets(content))), ...mac);
  return Buffer.from(bytesOf(pfx), "latin1");
}

/** A PFX with a MAC by PBMAC1, SHA-256 throughout, which is right if the count is small. */
export function craftPbmac1(parts: readonly Crafted[], count: number, keyLength = 32): Buffer {
  const content = bytesOf(seq(...parts));
  const key = count > 10_000 ? "" : pbkdf2Sync("", salt, count, keyLength, "sha256");
  const digest = createHmac("sha256", key).update(content, "latin1").digest().toString("latin1");
  const kdf = seq(oid(oids.pbkdf2), seq(octets(salt), integer(count), integer(keyLength), seq(oid(oids.hmacSha256))));
  const algorithm = seq(oid(oids.pbmac1), seq(kdf, seq(oid(oids.hmacSha256))));
  const mac = seq(seq(algorithm, octets(digest)), octets("unused"), integer(1));
  return Buffer.from(bytesOf(seq(integer(3), seq(oid(oids.data), tag(0, octets(content))), mac)), "latin1");
}

function macOf(content: string, count: number): Node {
  const digest = count > 10_000 ? "x".repeat(20) : rightMac(content, count);
  const sha1 = seq(oid(oids.sha1), asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, ""));
  return seq(seq(sha1, octets(digest)), octets(salt), integer(count));
}

function rightMac(content: string, count: number): string {
  const { generateKey } = forge.pkcs12 as unknown as {
    generateKey: (password: null, ...rest: (number | forge.util.ByteBuffer)[]) => forge.util.ByteBuffer;
  };
  const hmac = forge.hmac.create();
  hmac.start("sha1", generateKey(null, forge.util.createBuffer(salt), 3, count, 20));
  hmac.update(content);
  return hmac.digest().getBytes();
}
