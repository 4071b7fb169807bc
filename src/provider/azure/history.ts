import { posix } from "node:path";
import { DriverError } from "../../errors.ts";
import type { KeyVaultObject, ObjectKind } from "./objects.ts";
import { versionIn, type Vault, type VaultQuestion, type VaultVersion } from "./vault.ts";

/** The vault would be asked for each of them. */
const MOST_VERSIONS = 100;

/** A version of an object to fetch, and how it is reported. */
export interface WantedVersion {
  readonly object: KeyVaultObject;
  /** As in `secret/name`, or `secret/name/0` of a history (azure-provider 4.9). */
  readonly id: string;
}

const collections: Readonly<Record<ObjectKind, VaultQuestion["collection"]>> = {
  secret: "secrets",
  key: "keys",
  cert: "certificates",
};

/**
 * The versions that an object asks for: itself, or with `objectVersionHistory: N` the newest N from the one named on,
 * each a file `<path>/<index>` (azure-provider 4.10). None if the vault has no such version, or has it disabled.
 */
export async function wantedVersions(
  vault: Vault,
  object: KeyVaultObject,
  signal: AbortSignal,
): Promise<readonly WantedVersion[]> {
  const id = `${object.kind}/${object.name}`;
  if (object.history <= 1) return [{ object, id }];
  const listed = await vault.versions(collections[object.kind], object.name, signal);
  const versions = chooseVersions(listed, object);
  if (versions.length > MOST_VERSIONS) {
    throw new DriverError(
      "InvalidRequest",
      `objectVersionHistory of ${id} asks for more than the limit of ${MOST_VERSIONS} versions: lower it`,
    );
  }
  return versions.map((version, index) => ({
    object: { ...object, version, path: posix.join(object.path, String(index)) },
    id: `${id}/${index}`,
  }));
}

function chooseVersions(
  listed: readonly VaultVersion[],
  { version, history }: Pick<KeyVaultObject, "version" | "history">,
): readonly string[] {
  const versions = listed
    .filter(({ attributes }) => attributes !== undefined && attributes.enabled !== false)
    // Stable: times have seconds only.
    .toSorted((one, other) => createdOf(other) - createdOf(one))
    .flatMap(({ id }) => versionIn(id) ?? []);
  const start = version === "" || version === "latest" ? 0 : versions.indexOf(version);
  return start < 0 ? [] : versions.slice(start, start + history);
}

function createdOf({ attributes }: VaultVersion): number {
  return attributes?.created ?? 0;
}
