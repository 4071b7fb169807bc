import type { PodStatus, PublishRequest, Volume } from "../model.ts";

/**
 * What a published volume still owes. Its files are good, so the pod runs; the debt is paid at kubelet's next publish
 * or by the repair, whichever comes first.
 */
export type Debt =
  /** The files are written, their report is not. */
  | { readonly kind: "status"; readonly status: PodStatus }
  /** Somebody else published it; whether it was ever reported is not known yet. Holds credentials: see `since`. */
  | { readonly kind: "takeover"; readonly request: PublishRequest; readonly since: Date };

export interface KnownVolume {
  readonly volume: Volume;
  readonly debt: Debt | undefined;
}

/** The volumes that this process published or took over, by target path. */
export interface Volumes {
  get(targetPath: string): KnownVolume | undefined;
  remember(volume: Volume, debt: Debt): KnownVolume;
  /** The debt is paid, unless the volume was forgotten or owes something else by now. */
  settle(known: KnownVolume): void;
  forget(targetPath: string): void;
  owing(): readonly KnownVolume[];
}

export function createVolumes(): Volumes {
  const known = new Map<string, KnownVolume>();
  return {
    get: (targetPath) => known.get(targetPath),
    remember: (volume, debt) => {
      const entry = { volume, debt };
      known.set(volume.targetPath, entry);
      return entry;
    },
    settle: (entry) => {
      const { volume } = entry;
      if (known.get(volume.targetPath) === entry) known.set(volume.targetPath, { volume, debt: undefined });
    },
    forget: (targetPath) => void known.delete(targetPath),
    owing: () => [...known.values()].filter(({ debt }) => debt !== undefined),
  };
}
