import type { PfxReader } from "../../ports.ts";
import { createPfxReader, type PfxReaderOptions } from "./pfx.ts";

/** PFX files of volumes, for the Secrets that are made of them: decoded as a vault's are, in threads, few at once. */
export function createPfxFiles(options: PfxReaderOptions): PfxReader {
  const read = createPfxReader(options);
  return { toPem: async (pfx, signal) => (await read(Buffer.from(pfx).toString("base64"), signal)).pem };
}
