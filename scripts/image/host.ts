import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ask } from "./run.ts";

/** How this machine reaches package registries. */
export interface HostSettings {
  readonly npmRegistry: string;
  /** File of the certificate authorities that it trusts, if it names one. */
  readonly caFile: string | undefined;
  /** Debian mirror of its apt; undefined leaves debootstrap its default. */
  readonly debianMirror: string | undefined;
}

export function readHostSettings(suite: string): HostSettings {
  const set = (name: string): string | undefined => {
    const value = ask("npm", "config", "get", name);
    return value && !["null", "undefined"].includes(value) ? value : undefined;
  };
  const caFiles = [set("cafile"), process.env["NODE_EXTRA_CA_CERTS"], process.env["SSL_CERT_FILE"]];
  return {
    npmRegistry: set("registry") ?? "https://registry.npmjs.org/",
    caFile: caFiles.find((file) => file && existsSync(file)),
    debianMirror: findMirror(readAptSources(), suite),
  };
}

/** The mirror that serves a suite, in apt's one-line format or in stanzas. */
export function findMirror(sources: string, suite: string): string | undefined {
  const oneLine = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${suite}\\s`, "m").exec(sources);
  if (oneLine) return oneLine[1];
  for (const stanza of sources.split(/\n\s*\n/)) {
    const field = (name: string): string[] =>
      new RegExp(`^${name}:(.*)$`, "m").exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    if (field("Types").includes("deb") && field("Suites").includes(suite)) return field("URIs")[0];
  }
  return undefined;
}

function readAptSources(): string {
  const listed = existsSync("/etc/apt/sources.list.d") ? readdirSync("/etc/apt/sources.list.d") : [];
  const files = ["/etc/apt/sources.list", ...listed.map((name) => `/etc/apt/sources.list.d/${name}`)];
  return files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n\n");
}

/** Directory of the npm that this machine runs. */
export function findNpm(): string {
  const root = ask("npm", "exec", "--offline", "--call", "echo $npm_execpath");
  if (!root || !existsSync(root)) throw new Error("npm is not found");
  return dirname(dirname(root));
}
