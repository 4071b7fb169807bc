import { DriverError } from "../../errors.ts";
import { decodeBase64, decodeHex } from "../../formats/go-text.ts";
import type { Content, ObjectVersion, VolumeFile } from "../../model.ts";
import { separateFiles, type Part } from "./certificate-files.ts";
import { wantedVersions, type WantedVersion } from "./history.ts";
import { fetchMaterial, type Material, type Sources } from "./material.ts";
import { describeObject, MOST_OBJECTS, type KeyVaultObject, type ObjectEncoding, type ObjectKind } from "./objects.ts";
import type { OpenPfxReader } from "./pfx.ts";
import { versionIn } from "./vault.ts";

/** Where the content comes from, and what the process was told about it. */
export interface ContentSources extends Omit<Sources, "readPfx"> {
  readonly openPfxReader: OpenPfxReader;
  /** Whether a certificate's secret becomes `.crt` and `.key` as well (`--write-cert-and-key-in-separate-files`). */
  readonly separateFiles: boolean;
  /** Told where a history has no version to give: no file, and no error (azure-provider 4.10). */
  readonly onNoVersion: (object: KeyVaultObject) => void;
}

/**
 * Fetches all objects at once and makes their files, in the order listed (azure-provider 4); before that, the lists of
 * those with a history. If several fail, the first in that order is told, so that the same faults give the same bytes;
 * what still runs then is ended.
 */
export async function fetchContent(
  sources: ContentSources,
  objects: readonly KeyVaultObject[],
  signal: AbortSignal,
): Promise<Content> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    const wanted = (await inOrder(objects.map((object) => chooseVersions(sources, object, either)))).flat();
    if (wanted.length > MOST_OBJECTS) throw tooMany(wanted.length);
    const own = { ...sources, readPfx: sources.openPfxReader() };
    const fetched = (await inOrder(wanted.map((one) => fetchVersion(own, one, either)))).flat();
    return { files: fetched.map(({ file }) => file), versions: fetched.map(({ version }) => version) };
  } catch (error) {
    failed.abort();
    throw error;
  }
}

async function chooseVersions(
  { vault, onNoVersion }: ContentSources,
  object: KeyVaultObject,
  signal: AbortSignal,
): Promise<readonly WantedVersion[]> {
  const wanted = await wantedVersions(vault, object, signal);
  if (wanted.length === 0) onNoVersion(object);
  return wanted;
}

/** Those behind a failed one are no longer waited for; their failures must not go unhandled. */
async function inOrder<T>(arriving: readonly Promise<T>[]): Promise<readonly T[]> {
  void Promise.allSettled(arriving);
  const arrived: T[] = [];
  for (const one of arriving) arrived.push(await one);
  return arrived;
}

type Fetched = readonly { readonly file: VolumeFile; readonly version: ObjectVersion }[];

type MountSources = Sources & Pick<ContentSources, "separateFiles">;

async function fetchVersion(
  sources: MountSources,
  { object, id }: WantedVersion,
  signal: AbortSignal,
): Promise<Fetched> {
  const material = await fetchMaterial(sources, object, signal);
  const version = { id, version: versionOf(object, material) };
  return partsOf(sources, material).map(({ suffix, text }) => ({
    file: { path: `${object.path}${suffix}`, mode: object.mode, contents: decode(object, text) },
    version,
  }));
}

function partsOf(sources: MountSources, { text, backsCertificate }: Material): readonly Part[] {
  return sources.separateFiles && backsCertificate ? separateFiles(text) : [{ suffix: "", text }];
}

const nouns: Readonly<Record<ObjectKind, string>> = { secret: "secret", key: "key", cert: "certificate" };

/** The version that the vault gave, never the one asked for. */
function versionOf(object: KeyVaultObject, { id }: Material): string {
  const version = versionIn(id);
  if (version === undefined) throw unusable(`${nouns[object.kind]} id names no version (${describeObject(object)})`);
  return version;
}

const decoders: Readonly<Record<ObjectEncoding, (text: string) => Uint8Array>> = {
  "utf-8": (text) => Buffer.from(text, "utf8"),
  base64: decodeBase64,
  hex: decodeHex,
};

/** Users know these errors without the usual beginning; what failed is told behind them. */
function decode(object: KeyVaultObject, text: string): Uint8Array {
  try {
    return decoders[object.encoding](text);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    throw unusable(`${error.message} (${describeObject(object)}): check objectEncoding`);
  }
}

function tooMany(count: number): DriverError {
  return new DriverError(
    "InvalidRequest",
    `objects and their histories are ${count} versions, more than the limit of ${MOST_OBJECTS}: lower objectVersionHistory, or spread them over two volumes`,
  );
}

function unusable(message: string): DriverError {
  return new DriverError("ProviderError", message);
}
