import { arch as hostCpu } from "node:os";
import { ask, run } from "./run.ts";

export type Arch = "amd64" | "arm64";

/** What this machine is. */
export const hostArch: Arch = hostCpu() === "arm64" ? "arm64" : "amd64";

/** What is built, from what, and where it goes. */
export interface ImageOrder {
  readonly arch: Arch;
  /** Full name that the archive carries, registry to tag. */
  readonly name: string;
  readonly output: string;
  /** Values of the Dockerfile's arguments. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Seconds since 1970 that every file gets, so that images of one commit differ only in V8's code cache. */
  readonly epoch: string;
}

/** Options of buildah for a store that is not the machine's. */
export interface BuildahStore {
  readonly storage: readonly string[];
  readonly build: readonly string[];
}

const buildahDefault: BuildahStore = { storage: [], build: [] };

export type EngineName = "docker" | "podman" | "buildah";

interface Engine {
  /** Whether it is there and can build: a client without its daemon cannot. */
  readonly works: () => boolean;
  /** Leaves an OCI archive at the order's output, and no image in the engine's store but those that it began with. */
  readonly build: (order: ImageOrder) => void;
}

/** In the order in which they are tried. */
export const engines: Readonly<Record<EngineName, Engine>> = {
  docker: {
    works: () => ask("docker", "info") !== undefined,
    build: buildByDocker,
  },
  podman: { works: () => ask("podman", "info") !== undefined, build: buildByPodman },
  buildah: { works: () => ask("buildah", "info") !== undefined, build: buildByBuildah },
};

/** By save, whose archive is an OCI layout since Docker 25: the exporter for one is not in every Docker's builder. */
function buildByDocker(order: ImageOrder): void {
  run("docker", ["build", "--provenance=false", "--tag", order.name, ...commonOptions(order), "."]);
  run("docker", ["save", "--output", order.output, order.name]);
  run("docker", ["image", "rm", order.name]);
}

function buildByPodman(order: ImageOrder): void {
  const options = ["--timestamp", order.epoch, "--tag", order.name, ...nothingStays, ...commonOptions(order)];
  run("podman", ["build", ...options, "."]);
  run("podman", ["save", "--format", "oci-archive", "--output", order.output, order.name]);
  run("podman", ["rmi", order.name]);
}

export function buildByBuildah(order: ImageOrder, { storage, build }: BuildahStore = buildahDefault): void {
  const options = ["--timestamp", order.epoch, "--tag", order.name, ...nothingStays, ...build, ...commonOptions(order)];
  run("buildah", [...storage, "bud", ...options, "."]);
  run("buildah", [...storage, "push", order.name, `oci-archive:${order.output}:${order.name}`]);
  run("buildah", [...storage, "rmi", order.name]);
}

/** Images and containers of stages; buildah wants --no-cache said with --force-rm. */
const nothingStays = ["--no-cache", "--force-rm", "--layers=false"];

function commonOptions({ arch, buildArgs }: ImageOrder): string[] {
  // buildah and podman know the platform of the build only within stages, if they are not told.
  const all = { ...buildArgs, BUILDPLATFORM: `linux/${hostArch}` };
  const values = Object.entries(all).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  return ["--platform", `linux/${arch}`, "--file", "Dockerfile", ...values];
}
