import { DriverError } from "../../errors.ts";
import type { MountResponse__Output as MountResponse } from "../../grpc/generated/v1alpha1/MountResponse.ts";
import { provider } from "../../grpc/provider-descriptor.ts";
import type { Content, ObjectVersion, VolumeFile } from "../../model.ts";
import { countFields } from "./fields.ts";
import { shown } from "./foreign-text.ts";

/** More files and versions than this are not even decoded; how many a volume may hold is decided elsewhere. */
const mostEntries = 50_000;
const longestCode = 200;

/**
 * A provider's answer → content (csi-driver 2.5). What the files may be called and how much they may be is the volume's
 * rule, and not this one's. Throws ProviderError.
 */
export function parseAnswer(bytes: Buffer, name: string): Content {
  const { error, objectVersion, files } = decode(bytes, name);
  if (error !== null && error.code !== "")
    throw unusable(name, `failed with error code ${JSON.stringify(shown(error.code, longestCode))}`);
  if (objectVersion.length === 0) throw unusable(name, "is missing object versions: its answer names no objects");
  checkTexts(name, objectVersion, files);
  checkDistinct(name, files);
  return { files: files.map(toFile), versions: folded(objectVersion) };
}

function decode(bytes: Buffer, name: string): MountResponse {
  const entries = countFields(bytes);
  if (entries === undefined) throw unusable(name, "gave an answer that is no MountResponse of v1alpha1");
  if (entries > mostEntries)
    throw unusable(name, `gave an answer of ${entries} files and versions, more than the limit of ${mostEntries}`);
  try {
    return provider.CSIDriverProvider.service.Mount.responseDeserialize(bytes);
  } catch (cause) {
    throw unusable(name, "gave an answer that is no MountResponse of v1alpha1", cause);
  }
}

/** Of versions with the same id the last counts; in the order of ids, so that a provider that shuffles tells no news. */
function folded(versions: readonly ObjectVersion[]): readonly ObjectVersion[] {
  const byId = new Map(versions.map(({ id, version }) => [id, version]));
  return [...byId].map(([id, version]) => ({ id, version })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What could not be decoded reads U+FFFD, and two such names would be one: refused, as other readers of protobuf do. */
function checkTexts(
  name: string,
  versions: readonly ObjectVersion[],
  files: readonly { readonly path: string }[],
): void {
  const texts = [...files.map(({ path }) => path), ...versions.flatMap(({ id, version }) => [id, version])];
  const bad = texts.find((text) => text.includes("\uFFFD"));
  if (bad !== undefined) throw unusable(name, `gave a name that is not valid Unicode: ${quoted(bad)}`);
}

function checkDistinct(name: string, files: readonly { readonly path: string }[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) throw unusable(name, `gave two files of the name ${quoted(path)}`);
    seen.add(path);
  }
}

function toFile({ path, mode, contents }: VolumeFile): VolumeFile {
  return { path, mode, contents };
}

function quoted(text: string): string {
  return JSON.stringify(shown(text, longestCode));
}

function unusable(name: string, what: string, cause?: unknown): DriverError {
  return new DriverError("ProviderError", `provider "${name}" ${what}`, { cause });
}
