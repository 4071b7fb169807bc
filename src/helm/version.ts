import { CommandError } from "../errors.ts";

/** Helm's version, as much of it as makes a difference. */
export interface HelmVersion {
  readonly major: number;
  readonly minor: number;
}

/** Throws CommandError for a version that is not known to do what is asked of it. */
export function parseHelmVersion(text: string): HelmVersion {
  const [, major = "", minor = ""] = /^v?(\d+)\.(\d+)/.exec(text.trim()) ?? [];
  const version = { major: Number(major), minor: Number(minor) };
  if (version.major === 4 || (version.major === 3 && version.minor >= 18)) return version;
  const told = major === "" ? "does not tell its version" : `is of version ${major}.${minor}`;
  throw new CommandError(`the helm command ${told}`, {
    remedy: "have Helm 3.18 or newer, up to 4, on the PATH: https://helm.sh/docs/intro/install/",
  });
}
