import type { Logger } from "../../log.ts";
import type { ContentSources } from "./content.ts";
import { describeObject } from "./objects.ts";
import { createPfxReaders } from "./pfx.ts";

/** What the process was told about the objects of all classes. */
export interface ReadingOptions {
  /** Whether the certificates of a PFX are ordered from the leaf up (`--construct-pem-chain`); by default they are. */
  readonly constructPemChain?: boolean;
  /** Whether a certificate's secret becomes `.crt` and `.key` as well (`--write-cert-and-key-in-separate-files`). */
  readonly writeCertAndKeyInSeparateFiles?: boolean;
  readonly logger?: Pick<Logger, "warn">;
}

/** How objects are read, whatever vault they come from. */
export type Reading = Omit<ContentSources, "vault">;

/** Made once for the process: pods that mount the same PFX share its decoding. */
export function createReading({
  constructPemChain = true,
  writeCertAndKeyInSeparateFiles = false,
  logger,
}: ReadingOptions): Reading {
  return {
    openPfxReader: createPfxReaders({ wantsChain: constructPemChain, clock: () => new Date() }),
    separateFiles: writeCertAndKeyInSeparateFiles,
    onIncompleteChain(object) {
      logger?.warn(
        "certificate chain is not complete due to missing intermediate/root certificates in the cert from key vault: " +
          describeObject(object),
      );
    },
    onNoVersion(object) {
      logger?.warn(`no enabled version for objectVersionHistory, so no file is written: ${describeObject(object)}`);
    },
  };
}
