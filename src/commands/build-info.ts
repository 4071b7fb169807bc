/** Filled in by `npm run build`; a program run from its sources is a development version. */
declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;
declare const BUILD_DATE: string | undefined;

export interface BuildInfo {
  readonly BuildVersion: string;
  readonly GitCommit: string;
  readonly BuildDate: string;
}

export const buildInfo: BuildInfo = {
  BuildVersion: typeof BUILD_VERSION === "string" ? BUILD_VERSION : "v0.0.0-dev",
  GitCommit: typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "",
  BuildDate: typeof BUILD_DATE === "string" ? BUILD_DATE : "",
};
