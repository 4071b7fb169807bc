import { binary, octetsOf, oidOf, partsOf, readDer, type Der } from "./der.ts";

/** By which certificates find their issuers (RFC 5280, 4.2.1.1 and 4.2.1.2), in hex; undefined where there is none. */
export interface KeyIds {
  readonly subject: string | undefined;
  readonly authority: string | undefined;
}

const SUBJECT_KEY_ID = "2.5.29.14";
const AUTHORITY_KEY_ID = "2.5.29.35";
const CONTEXT_SPECIFIC = 0x80;

/** The key ids of an X.509 certificate. Throws where the bytes are none. */
export function keyIdsOf(certificate: Uint8Array): KeyIds {
  const fields = partsOf(partsOf(readDer(binary.from(certificate)))[0]);
  const extensions = fields.find((field) => isTagged(field, 3));
  const values = new Map((extensions === undefined ? [] : partsOf(partsOf(extensions)[0])).map(extensionOf));
  const subject = values.get(SUBJECT_KEY_ID);
  const authority = values.get(AUTHORITY_KEY_ID);
  return {
    subject: subject === undefined ? undefined : hex(octetsOf(readDer(subject))),
    authority: authority === undefined ? undefined : authorityKeyId(readDer(authority)),
  };
}

/** A sequence of an id, whether it is critical, and the bytes of the value. */
function extensionOf(extension: Der): [oid: string, value: string] {
  const parts = partsOf(extension);
  return [oidOf(parts[0]), octetsOf(parts.at(-1))];
}

/** The key's part of it; issuer and serial number may stand beside. */
function authorityKeyId(value: Der): string | undefined {
  const id = partsOf(value).find((part) => isTagged(part, 0));
  return id === undefined ? undefined : hex(octetsOf(id));
}

function isTagged(node: Der, tag: number): boolean {
  // Numbers, whatever the types say: a context's own tags are none of those that its enumeration has.
  const [tagClass, type]: readonly number[] = [node.tagClass, node.type];
  return tagClass === CONTEXT_SPECIFIC && type === tag;
}

/** An id of no bytes is none. */
function hex(bytes: string): string | undefined {
  return bytes === "" ? undefined : Buffer.from(bytes, "latin1").toString("hex");
}
