import { DriverError } from "../errors.ts";
import type { Payload, VolumeFile } from "../model.ts";

/** What a volume may hold by default: as much as the established driver takes from a provider. */
export const defaultMaxContentBytes = 4 * 1024 * 1024;

/** More files than this in one volume is a mistake; it also bounds what a volume's tmpfs needs. */
export const maxFiles = 500;

const maxPathBytes = 4096;
const maxComponentBytes = 255;
/** Ours: directories inside directories are written and compared by recursion, with a descriptor each. */
const maxComponents = 100;

interface PathRule {
  readonly complaint: string;
  readonly broken: (path: string, components: readonly string[]) => boolean;
}

/** The established driver's rules and order, then what could not be a file name. Unclean paths are refused, never cleaned. */
const pathRules: readonly PathRule[] = [
  { complaint: "is empty", broken: (path) => path === "" },
  { complaint: "is absolute", broken: (path) => path.startsWith("/") },
  { complaint: `is longer than ${maxPathBytes} bytes`, broken: (path) => Buffer.byteLength(path) > maxPathBytes },
  { complaint: 'has a component ".."', broken: (_, components) => components.includes("..") },
  {
    complaint: `has a component longer than ${maxComponentBytes} bytes`,
    broken: (_, components) => components.some((component) => Buffer.byteLength(component) > maxComponentBytes),
  },
  { complaint: 'begins with ".."', broken: (path) => path.startsWith("..") },
  {
    complaint: 'is not in clean form (no "./", no "//", no "/" at the end)',
    broken: (_, components) => components.some((component) => component === "" || component === "."),
  },
  {
    complaint: `has more than ${maxComponents} components`,
    broken: (_, components) => components.length > maxComponents,
  },
  { complaint: "contains a NUL character", broken: (path) => path.includes("\0") },
  { complaint: "is not valid Unicode", broken: (path) => !path.isWellFormed() },
];

/**
 * A provider's files, held to the rules of a volume: everything is checked before anything is written. Of two files with
 * the same path the later one counts. The result is sorted by path, component by component, so that equal content is
 * equal whatever order it came in. Messages name files and limits and never quote contents.
 */
export function parsePayload(files: readonly VolumeFile[], maxContentBytes = defaultMaxContentBytes): Payload {
  for (const file of files) checkFile(file);
  const distinct = [...new Map(files.map((file) => [file.path, file])).values()];
  const sorted = distinct
    .map(withSortKey)
    .sort(byKey)
    .map(({ file }) => file);
  checkNoFileIsDirectory(sorted);
  checkLimits(sorted, maxContentBytes);
  return sorted as readonly VolumeFile[] as Payload;
}

function checkFile({ path, mode }: VolumeFile): void {
  const components = path.split("/");
  const rule = pathRules.find(({ broken }) => broken(path, components));
  if (rule !== undefined) {
    refuse(`invalid file path ${quoted(path)}: it ${rule.complaint}; correct the name or alias of the object`);
  }
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    refuse(
      `invalid mode ${mode} of file ${quoted(path)}: it must be from 0 to 0777 (octal); correct the file permission of the object`,
    );
  }
}

/** Ordered by component, a directory's files come right after what has the directory's own name: see below. */
function withSortKey(file: VolumeFile): { readonly key: string; readonly file: VolumeFile } {
  return { key: file.path.replaceAll("/", "\0"), file };
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

function checkNoFileIsDirectory(sorted: readonly VolumeFile[]): void {
  sorted.forEach(({ path }, index) => {
    const next = sorted[index + 1];
    if (next?.path.startsWith(`${path}/`) !== true) return;
    refuse(`${quoted(path)} cannot be a file and the directory of ${quoted(next.path)}; rename one of the two objects`);
  });
}

function checkLimits(files: readonly VolumeFile[], maxContentBytes: number): void {
  if (files.length > maxFiles) {
    refuse(
      `the volume would hold ${files.length} files, more than the limit of ${maxFiles}; ` +
        "name fewer objects in the SecretProviderClass, or spread them over two volumes",
    );
  }
  const bytes = files.reduce((sum, { contents }) => sum + contents.byteLength, 0);
  if (bytes > maxContentBytes) {
    refuse(
      `the volume would hold ${bytes} bytes, more than the limit of ${maxContentBytes}; ` +
        "name fewer objects in the SecretProviderClass, or split it between two volumes",
    );
  }
}

function quoted(path: string): string {
  return JSON.stringify(path.length > 300 ? `${path.slice(0, 300)}…` : path);
}

function refuse(message: string): never {
  throw new DriverError("InvalidRequest", message);
}
