import type { Volume } from "../model.ts";
import type { VolumePorts } from "./volume-ports.ts";

/**
 * Published means mounted **and** populated, whoever did it; what this process published counts as populated, since a
 * provider may return no files. Asked of the kernel each time, and before anything else. What a provider is still writing
 * is not populated.
 */
export async function isPublished(
  { targetPath }: Volume,
  ports: Pick<VolumePorts, "mounter" | "files" | "volumes" | "preparations">,
): Promise<boolean> {
  if ((await ports.mounter.look(targetPath)) !== "mounted") return false;
  if (ports.volumes.get(targetPath) !== undefined) return true;
  return !ports.preparations.isUnderWay(targetPath) && (await ports.files.isPopulated(targetPath));
}
