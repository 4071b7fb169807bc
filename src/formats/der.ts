import forge from "node-forge";
import { DriverError } from "../errors.ts";

/** A node of a parsed DER (or BER) value. Bytes are strings here, one character each, as node-forge has them. */
export type Der = forge.asn1.Asn1;

/** Parses a value; throws where the bytes are none. Text is not looked into: an octet string stays one. */
export function readDer(bytes: string): Der {
  return forge.asn1.fromDer(bytes, false);
}

/** A node as bytes again. */
export function writeDer(node: Der): string {
  return forge.asn1.toDer(node).getBytes();
}

/** What a sequence, a set or an explicit tag holds. */
export function partsOf(node: Der | undefined): readonly Der[] {
  if (!Array.isArray(node?.value)) throw malformed();
  return node.value;
}

/** What is in an explicit tag. */
export function taggedIn(node: Der | undefined): Der {
  const [only] = partsOf(node);
  if (only === undefined) throw malformed();
  return only;
}

/** The bytes of a string; BER writes long ones in pieces. */
export function octetsOf(node: Der | undefined): string {
  if (node === undefined) throw malformed();
  return typeof node.value === "string" ? node.value : node.value.map(octetsOf).join("");
}

/** An object identifier in dots. */
export function oidOf(node: Der | undefined): string {
  if (node?.type !== forge.asn1.Type.OID || typeof node.value !== "string" || node.value.length > 32) throw malformed();
  return forge.asn1.derToOid(forge.util.createBuffer(node.value));
}

/** An integer of any length. */
export function integerOf(node: Der | undefined): bigint {
  if (node?.type !== forge.asn1.Type.INTEGER || typeof node.value !== "string" || node.value === "") throw malformed();
  return BigInt.asIntN(node.value.length * 8, BigInt(`0x${forge.util.bytesToHex(node.value)}`));
}

/** Bytes between node-forge and the rest of the world. */
export const binary = {
  from: (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1"),
  to: (text: string): Uint8Array => Buffer.from(text, "latin1"),
} as const;

function malformed(): DriverError {
  return new DriverError("ProviderError", "the structure is not what it should be");
}
