import { X509Certificate } from "node:crypto";
import { DriverError } from "../../errors.ts";
import { keyIdsOf, type KeyIds } from "../../formats/key-ids.ts";

/** Certificates in the order in which a server sends them. */
export interface Chain {
  readonly certificates: readonly Uint8Array[];
  /** False when some are not linked to the others: then the order is the one given. */
  readonly complete: boolean;
}

/**
 * Orders certificates from the leaf up, by key ids alone (azure-provider 4.5); identical ones count once. Throws
 * ProviderError where they cannot make a chain.
 */
export function buildChain(given: readonly Uint8Array[]): Chain {
  const links = withoutDuplicates(given).map(readLink);
  const issuers = new Map(links.map((link) => [link, links.find((other) => other !== link && issued(other, link))]));
  const parents = new Set(issuers.values());
  const leaf = links.find((link) => !parents.has(link));
  if (leaf === undefined) throw unusable("no leaf found");
  const path: Link[] = [];
  for (let link: Link | undefined = leaf; link !== undefined; link = issuers.get(link)) {
    if (path.length === links.length) throw unusable("constructing chain resulted in cycle");
    path.push(link);
  }
  const complete = path.length === links.length;
  return { certificates: (complete ? path : links).map(({ certificate }) => certificate), complete };
}

interface Link extends KeyIds {
  readonly certificate: Uint8Array;
}

function issued({ subject }: KeyIds, { authority }: KeyIds): boolean {
  return subject !== undefined && subject === authority;
}

function withoutDuplicates(certificates: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(certificates.map((one) => [Buffer.from(one).toString("latin1"), one])).values()];
}

function readLink(certificate: Uint8Array): Link {
  try {
    const { raw } = new X509Certificate(certificate);
    return { certificate, ...keyIdsOf(raw) };
  } catch {
    throw unusable("failed to parse a certificate of the PFX: import the certificate anew");
  }
}

function unusable(message: string): DriverError {
  return new DriverError("ProviderError", message);
}
