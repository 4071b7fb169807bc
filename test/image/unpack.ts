import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An image as a directory, and what its configuration says to run there. */
export interface UnpackedImage {
  readonly root: string;
  readonly entrypoint: readonly string[];
  /** NAME=value */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly architecture: string;
}

interface Descriptor {
  readonly digest: string;
}

/** Unpacks the one image of an OCI archive, layer on layer, below a directory. */
export function unpackImage(archive: string, below: string): UnpackedImage {
  const layout = mkdtempSync(join(below, "layout-"));
  const root = join(below, "root");
  mkdirSync(root);
  execFileSync("tar", ["--extract", "--file", archive, "--directory", layout]);
  const pathOf = ({ digest }: Descriptor): string => join(layout, "blobs", digest.replace(":", "/"));
  const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
  const index = read(join(layout, "index.json")) as { manifests: [Descriptor] };
  const manifest = read(pathOf(index.manifests[0])) as { config: Descriptor; layers: Descriptor[] };
  const { architecture, config } = read(pathOf(manifest.config)) as {
    architecture: string;
    config: { Entrypoint: string[]; Env: string[]; Labels: Record<string, string> };
  };
  for (const layer of manifest.layers)
    execFileSync("tar", ["--extract", "--preserve-permissions", "--file", pathOf(layer), "--directory", root]);
  return { root, architecture, entrypoint: config.Entrypoint, env: config.Env, labels: config.Labels };
}
