import { createPrivateKey, X509Certificate } from "node:crypto";
import forge from "node-forge";

const { asn1, pki } = forge;
type Node = forge.asn1.Asn1;

/** What node-forge has and its types do not. */
const { generateKey } = forge.pkcs12 as unknown as {
  readonly generateKey: (password: string, ...rest: (number | forge.util.ByteBuffer)[]) => forge.util.ByteBuffer;
};

const iterations = 2000;
const bagIds = { key: "1.2.840.113549.1.12.10.1.2", certificate: "1.2.840.113549.1.12.10.1.3" } as const;
const x509 = "1.2.840.113549.1.9.22.1";
const sha1 = "1.3.14.3.2.26";

/** A key and its certificates as a PFX with the empty password, in base64: 3DES and SHA-1, as vaults have it. */
export function makePfx(privateKeyPem: string, certificates: readonly X509Certificate[]): string {
  const pkcs8 = createPrivateKey(privateKeyPem).export({ format: "der", type: "pkcs8" });
  const key = pki.encryptPrivateKeyInfo(fromBytes(pkcs8), "", { algorithm: "3des", count: iterations });
  const bags = certificates.map(({ raw }) =>
    sequence(oid(bagIds.certificate), tagged(sequence(oid(x509), tagged(octets(raw.toString("latin1")))))),
  );
  const parts = sequence(data(sequence(sequence(oid(bagIds.key), tagged(key)))), data(sequence(...bags)));
  const content = asn1.toDer(parts).getBytes();
  const pfx = sequence(integer(3), data(parts), macOf(content));
  return Buffer.from(asn1.toDer(pfx).getBytes(), "latin1").toString("base64");
}

/** The certificates of a PFX with the empty password, in base64; the first is taken for the leaf. Throws if it is none. */
export function readPfx(base64: string): readonly X509Certificate[] {
  const pfx = forge.pkcs12.pkcs12FromAsn1(fromBytes(Buffer.from(base64, "base64")), false, "");
  const bags = pfx.getBags({ bagType: bagIds.certificate })[bagIds.certificate] ?? [];
  return bags.map(({ cert, asn1: unread }) => {
    const der = asn1.toDer(cert ? pki.certificateToAsn1(cert) : unread).getBytes();
    return new X509Certificate(Buffer.from(der, "latin1"));
  });
}

function macOf(content: string): Node {
  const salt = forge.random.getBytesSync(8);
  const hmac = forge.hmac.create();
  hmac.start("sha1", generateKey("", forge.util.createBuffer(salt), 3, iterations, 20));
  hmac.update(content);
  const digest = sequence(sequence(oid(sha1), node(asn1.Type.NULL, "")), octets(hmac.digest().getBytes()));
  return sequence(digest, octets(salt), integer(iterations));
}

function data(content: Node): Node {
  return sequence(oid("1.2.840.113549.1.7.1"), tagged(octets(asn1.toDer(content).getBytes())));
}

function node(type: forge.asn1.Type, value: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function sequence(...parts: Node[]): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

/** The explicit tag 0. */
function tagged(part: Node): Node {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, asn1.Type.NONE, true, [part]);
}

function octets(bytes: string): Node {
  return node(asn1.Type.OCTETSTRING, bytes);
}

function oid(dots: string): Node {
  return node(asn1.Type.OID, asn1.oidToDer(dots).getBytes());
}

function integer(value: number): Node {
  return node(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
}

function fromBytes(bytes: Buffer): Node {
  return asn1.fromDer(bytes.toString("latin1"), false);
}
