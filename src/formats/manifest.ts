import { createHash } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { DriverError } from "../errors.ts";

/** A Kubernetes object as it is written in YAML: what every one has, and whatever else. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** The objects of a text with YAML documents; empty ones are left out. Throws InvalidRequest for what is no object. */
export function parseManifests(text: string): readonly Manifest[] {
  const documents = parseAllDocuments(text, { prettyErrors: false });
  return [...documents].flatMap((document, index) => {
    const [flaw] = document.errors;
    if (flaw) throw broken(index, flaw.message);
    const value: unknown = document.toJS();
    if (value === null) return [];
    if (!isManifest(value)) throw broken(index, "it has no apiVersion, kind and metadata.name");
    return [value];
  });
}

/** SHA-256 in hex, as a chart's `sha256sum` makes it. */
export function manifestsHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isManifest(value: unknown): value is Manifest {
  const { apiVersion, kind, metadata } = value as Partial<Manifest>;
  return [apiVersion, kind, metadata?.name].every((field) => typeof field === "string" && field !== "");
}

function broken(index: number, what: string): DriverError {
  return new DriverError("InvalidRequest", `document ${index + 1} is no Kubernetes object: ${what}`);
}
