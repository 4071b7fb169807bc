import type { ObjectVersion, SecretProviderClass } from "../model.ts";
import { fetchContent, type CheckedContent } from "./content.ts";
import type { FetchableVolume } from "./credentials.ts";
import { deliver } from "./deliver.ts";
import { currentClass } from "./secret-class.ts";
import type { Asking, VolumePorts } from "./volume-ports.ts";
import type { KnownVolume } from "./volumes.ts";

/** What a refresh brought. */
export interface Freshened {
  readonly rotated: boolean;
  /** Undefined when somebody else wrote what was there before. */
  readonly before: readonly ObjectVersion[] | undefined;
  readonly after: readonly ObjectVersion[];
}

/**
 * The one operation: brings a published volume up to date, class → content → files → status → Secrets. Equal content is
 * not written, reported or mirrored again. On failure of anything before the files the old files stay, and it throws; what fails after
 * them is owed. Undefined, and nothing is done, for a volume that was forgotten or unmounted meanwhile. The caller holds the claim of the volume.
 */
export async function freshen(
  known: FetchableVolume,
  ports: VolumePorts,
  asking: Asking,
): Promise<Freshened | undefined> {
  const { volume, versions: before } = known;
  const startedAt = ports.clock();
  const secretProviderClass = await currentClass(known, ports, asking);
  if (!(await mayBeAsked(known, secretProviderClass, ports))) return undefined;
  const content = await fetchContent(known, secretProviderClass, ports, asking);
  const written = await ports.locks.hold(volume.targetPath, asking.signal, () => rewrite(known, content, ports));
  if (written === undefined) return undefined;
  const { versions, payload } = content;
  // Of files that a provider writes by itself only the versions tell.
  const rotated = payload.length === 0 ? !sameVersions(before, versions) : written === "changed";
  const isNews = {
    report: !sameVersions(before, versions),
    secrets: rotated || !sameSecrets(known, secretProviderClass),
  };
  const latest = ports.volumes.change(volume, {
    secretProviderClass,
    versions,
    freshAt: startedAt,
    ...(isNews.report && { report: "owed" }),
    ...(isNews.secrets && { secretsOwed: true }),
  });
  if (latest) await deliver({ volume, files: payload, occasion: "rotation" }, ports, asking.signal);
  return { rotated, before, after: versions };
}

/** Who writes into the target by itself is asked while that is a mount: else the files would go to the node's disk. */
async function mayBeAsked(
  { volume }: KnownVolume,
  { provider }: SecretProviderClass,
  { providers, mounter }: VolumePorts,
): Promise<boolean> {
  return !providers.writesIntoTarget(provider) || (await mounter.look(volume.targetPath)) === "mounted";
}

/** Under the lock the facts are looked at again. */
async function rewrite(
  { volume }: KnownVolume,
  { payload }: CheckedContent,
  { volumes, mounter, files }: VolumePorts,
): Promise<"unchanged" | "changed" | undefined> {
  // Forgotten; or published anew meanwhile, with content that may be newer than this.
  if (volumes.current(volume) === undefined) return undefined;
  // Without its mount the files would go to the node's disk.
  if ((await mounter.look(volume.targetPath)) !== "mounted") return undefined;
  return files.write(volume.targetPath, payload, volume.group);
}

function sameVersions(before: readonly ObjectVersion[] | undefined, after: readonly ObjectVersion[]): boolean {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after);
}

/** An edited class may want other Secrets of the same files. */
function sameSecrets({ secretProviderClass: before }: KnownVolume, { secretObjects }: SecretProviderClass): boolean {
  return before !== undefined && JSON.stringify(before.secretObjects) === JSON.stringify(secretObjects);
}
