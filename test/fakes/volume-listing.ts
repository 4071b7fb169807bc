import { X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pemBlock, readPem, type PemBlock } from "../../src/formats/pem.ts";

/** Names for what is too long to be shown. */
export type KnownContents = ReadonlyMap<string, Buffer>;

/** The files of a volume as docs/azure.md lists them: mode, path, what is in it. */
export async function listVolume(target: string, known: KnownContents): Promise<readonly (readonly string[])[]> {
  const names = await readdir(target);
  const own = names.filter((name) => !name.startsWith("..")).sort();
  const paths = (await Promise.all(own.map((name) => filesAt(target, name)))).flat();
  return Promise.all(paths.map((path) => describeFile(target, path, known)));
}

async function filesAt(target: string, path: string): Promise<readonly string[]> {
  if ((await stat(join(target, path))).isFile()) return [path];
  const below = (await readdir(join(target, path))).sort();
  return (await Promise.all(below.map((name) => filesAt(target, join(path, name))))).flat();
}

async function describeFile(target: string, path: string, known: KnownContents): Promise<readonly string[]> {
  const content = await readFile(join(target, path));
  const { mode } = await stat(join(target, path));
  const octal = (mode & 0o7777).toString(8).padStart(4, "0");
  return [octal, path, describeContent(content, known)];
}

function describeContent(content: Buffer, known: KnownContents): string {
  for (const [name, bytes] of known) if (bytes.equals(content)) return name;
  const text = content.toString();
  const blocks = readPem(text);
  // Only where there is nothing but blocks.
  const isPem = blocks.length > 0 && blocks.map(({ label, bytes }) => pemBlock(label, bytes)).join("") === text;
  return isPem ? blocks.map(describeBlock).join(", ") : text;
}

function describeBlock({ label, bytes }: PemBlock): string {
  if (label !== "CERTIFICATE") return label;
  return `${label} ${new X509Certificate(bytes).subject.replace(/^CN=/, "")}`;
}
