import type { PfxReader } from "../../ports.ts";
import { createPfxReaders, type PfxReaderOptions } from "./pfx.ts";

/** PFX files of volumes, for the Secrets that are made of them: decoded as a vault's are, in threads, few at once. */
export function createPfxFiles(options: PfxReaderOptions): PfxReader {
  const openReader = createPfxReaders(options);
  return { toPem: async (pfx, signal) => (await openReader()(Buffer.from(pfx).toString("base64"), signal)).pem };
}
