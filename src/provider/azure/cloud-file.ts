import { constants } from "node:fs";
import { open, readlink, realpath, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { DriverError } from "../../errors.ts";
import { isJsonObject, parseJson } from "./json.ts";

const maxBytes = 64 * 1024;

/** What a class may not make a root process read: other pods' volumes, the kernel's files, this process's own tokens. */
const forbiddenRoots = ["/proc", "/sys", "/dev", "/var/run/secrets", "/run/secrets"];

/**
 * Reads the cloud file that a class, and by override any pod, may name (design section 9). Keys come back in lower
 * case. Links are followed; where they lead counts. Throws InvalidRequest; nothing of the content is ever quoted.
 */
export async function readCloudFile(path: string, kubeletRoot: string): Promise<ReadonlyMap<string, string>> {
  const forbidden = await withRealPaths([kubeletRoot, ...forbiddenRoots]);
  // Looked at before opening too: to open a device is to do something with it.
  refuseForbidden(path, resolve(path), forbidden);
  refuseForbidden(path, await realPathOf(path), forbidden);
  const handle = await openFile(path);
  try {
    refuseForbidden(path, await readlink(`/proc/self/fd/${handle.fd}`), forbidden);
    return parseSettings(path, await readSmallFile(path, handle));
  } finally {
    await handle.close();
  }
}

async function withRealPaths(roots: readonly string[]): Promise<readonly string[]> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  return [...roots, ...real];
}

function refuseForbidden(path: string, real: string, forbidden: readonly string[]): void {
  const inside = forbidden.some((root) => real === root || real.startsWith(`${root.replace(/\/$/, "")}/`));
  if (inside)
    throw invalid(
      `open ${path}: a cloud file must not lie below kubelet's directory, /proc, /sys, /dev or /var/run/secrets`,
    );
}

async function realPathOf(path: string): Promise<string> {
  // The empty path is no file, but to the resolver it is the working directory.
  if (path === "") throw unopened(path, { code: "ENOENT" });
  return await realpath(path).catch((error: unknown) => {
    throw unopened(path, error);
  });
}

/** Non-blocking, or a FIFO would hold the process until somebody writes. */
async function openFile(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch((error: unknown) => {
    throw unopened(path, error);
  });
}

async function readSmallFile(path: string, handle: FileHandle): Promise<string> {
  if (!(await handle.stat()).isFile()) throw invalid(`open ${path}: not a regular file`);
  const buffer = Buffer.alloc(maxBytes + 1);
  let size = 0;
  let more: number;
  do {
    more = (await handle.read(buffer, size, buffer.length - size)).bytesRead;
    size += more;
  } while (more > 0 && size < buffer.length);
  if (size > maxBytes) throw invalid(`open ${path}: a cloud file must not be larger than 64 KiB`);
  return buffer.toString("utf8", 0, size);
}

function parseSettings(path: string, text: string): ReadonlyMap<string, string> {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed)) throw invalid(`${path} does not hold a JSON object`);
  const settings = new Map<string, string>();
  for (const [key, value] of Object.entries(parsed)) {
    if (typeof value === "string") settings.set(key.toLowerCase(), value.trim());
    else if (wanted.has(key.toLowerCase()) && value !== null) throw invalid(`${path}: ${key} must be a string`);
  }
  return settings;
}

const wanted = new Set(["activedirectoryendpoint", "keyvaultdnssuffix", "keyvaultendpoint"]);

const errnoTexts: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
};

function unopened(path: string, error: unknown): DriverError {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return new DriverError("InvalidRequest", `open ${path}: ${errnoTexts[code] ?? "cannot be opened"}`, { cause: error });
}

function invalid(message: string): DriverError {
  return new DriverError("InvalidRequest", message);
}
