import type * as nodeFs from "node:fs";

/**
 * The calls that this folder makes, and no others. They are synchronous: on a tmpfs that is ten times faster than
 * promises, and one volume's write is one uninterrupted step. Whoever wraps them sees every single effect.
 */
export type FileSystem = Pick<
  typeof nodeFs,
  | "chmodSync"
  | "chownSync"
  | "closeSync"
  | "fchmodSync"
  | "fchownSync"
  | "fstatSync"
  | "mkdirSync"
  | "openSync"
  | "readFileSync"
  | "readSync"
  | "readdirSync"
  | "readlinkSync"
  | "renameSync"
  | "rmdirSync"
  | "symlinkSync"
  | "unlinkSync"
  | "writeFileSync"
>;
