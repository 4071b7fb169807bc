/** What kubelet's target path says about a volume. */
export interface Target {
  readonly kubeletRoot: string;
  readonly podUid: string;
}

/** `<kubeletRoot>/pods/<uid>/volumes/kubernetes.io~csi/<volume name>/mount`, in clean form. */
const shape = /^(\/.+|)\/pods\/([^/]+)\/volumes\/kubernetes\.io~csi\/[^/]+\/mount$/s;

/** Longest path that Linux takes, without the final NUL (PATH_MAX). */
export const LONGEST_PATH = 4095;

/** Undefined when the path is not one that kubelet makes for an inline CSI volume. */
export function parseTargetPath(path: string): Target | undefined {
  const [, kubeletRoot, podUid] = shape.exec(path) ?? [];
  if (kubeletRoot === undefined || podUid === undefined || !isClean(path)) return undefined;
  return { kubeletRoot, podUid };
}

function isClean(path: string): boolean {
  const parts = path.slice(1).split("/");
  return !path.includes("\0") && parts.every((part) => part !== "" && part !== "." && part !== "..");
}
