/** Makes the container image as an OCI archive, by the first engine that works here; prints the archive's path. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildByBuildah, engines, hostArch, type Arch, type EngineName, type ImageOrder } from "./image/engines.ts";
import { makeLocalBase } from "./image/local-base.ts";
import { ask } from "./image/run.ts";

const usage = `Usage: npm run image -- [options]

  --arch=amd64|arm64    architecture of the nodes (default: this machine's)
  --output=FILE         the archive (default: image/azure-keyvault-csi-<version>-<arch>.tar)
  --tag=NAME            name that the archive carries (default: azure-keyvault-csi:<version>)
  --node-image=NAME     image that Node and libraries come from
  --engine=NAME         docker, podman or buildah (default: the first that works)
  --local-base          make the Node image here, from Debian and npm packages: for machines that reach no image
                        registry. Needs root, buildah and debootstrap.`;

class UsageError extends Error {}

process.exitCode = main();

function main(): number {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) console.log(usage);
    else makeImage(options);
    return 0;
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

interface Options {
  readonly arch: Arch;
  readonly output: string | undefined;
  readonly tag: string | undefined;
  readonly nodeImage: string | undefined;
  readonly engine: EngineName | undefined;
  readonly localBase: boolean;
  readonly help: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const values = parseValues(args);
  const localBase = values["local-base"];
  const engine = oneOf("--engine", values.engine, ["docker", "podman", "buildah"]);
  if (localBase && engine && engine !== "buildah") throw new UsageError("--local-base is made by buildah only");
  const arch = oneOf("--arch", values.arch, ["amd64", "arm64"]) ?? hostArch;
  const { output, tag, help } = values;
  return { arch, output, tag, nodeImage: values["node-image"], engine, localBase, help };
}

function parseValues(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = {
    arch: text,
    output: text,
    tag: text,
    "node-image": text,
    engine: text,
    "local-base": flag,
    help: flag,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

function oneOf<T extends string>(name: string, value: string | undefined, known: readonly T[]): T | undefined {
  const found = known.find((one) => one === value);
  if (value !== undefined && found === undefined)
    throw new UsageError(`${name} must be one of ${known.join(", ")}, not ${JSON.stringify(value)}`);
  return found;
}

function makeImage(options: Options): void {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const { arch, nodeImage = nodeImageOfDockerfile() } = options;
  const build = options.localBase
    ? (order: ImageOrder) => {
        buildByBuildah(order, makeLocalBase(nodeImage, arch));
      }
    : engines[findEngine(options.engine)].build;
  const output = resolve(options.output ?? `image/azure-keyvault-csi-${version}-${arch}.tar`);
  const epoch = ask("git", "log", "-1", "--format=%ct") ?? String(Math.floor(Date.now() / 1000));
  const commit = ask("git", "rev-parse", "HEAD") ?? "";
  const buildArgs = { NODE_IMAGE: nodeImage, VERSION: version, COMMIT: commit, SOURCE_DATE_EPOCH: epoch };
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  build({ arch, name: fullName(options.tag ?? `azure-keyvault-csi:${version}`), output, buildArgs, epoch });
  console.log(output);
}

function nodeImageOfDockerfile(): string {
  const [, name] = /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync("Dockerfile", "utf8")) ?? [];
  if (!name) throw new Error("the Dockerfile names no NODE_IMAGE");
  return name;
}

function findEngine(wanted: EngineName | undefined): EngineName {
  const names = wanted ? [wanted] : (Object.keys(engines) as EngineName[]);
  const found = names.find((name) => engines[name].works());
  if (!found)
    throw new Error(`no image can be built by ${names.join(", ")} here: start Docker, or apt-get install -y buildah`);
  return found;
}

/** As container runtimes complete it: without a registry it is Docker Hub's library. */
function fullName(tag: string): string {
  const [first = "", ...rest] = tag.split("/");
  if (rest.length === 0) return `docker.io/library/${tag}`;
  return /[.:]|^localhost$/.test(first) ? tag : `docker.io/${tag}`;
}
