import { createHash } from "node:crypto";
import PQueue from "p-queue";
import { DriverError } from "../../errors.ts";
import { decodeBase64 } from "../../formats/go-text.ts";
import type { Clock } from "../../ports.ts";
import { createShared } from "../../sharing/shared.ts";
import type { PfxPem } from "./pfx-pem.ts";
import { decodeInThread, type DecodePfx } from "./pfx-worker.ts";

/** Makes PEM of a secret's value that is a PFX in base64. Throws DriverError; the signal ends it. */
export type ReadPfx = (value: string, signal: AbortSignal) => Promise<PfxPem>;

/** A reader for one mount: each mount has few values in line, so that hundreds of one keep no other's waiting. */
export type OpenPfxReader = () => ReadPfx;

export interface PfxReaderOptions {
  readonly wantsChain: boolean;
  readonly clock: Clock;
  readonly decode?: DecodePfx;
}

/** Threads for usual values; a mount has no more in line. A thread takes 20 MB. */
const AT_ONCE = 2;

/**
 * A usual PFX has some thousand iterations and takes a tenth of a second, one at the limits some seconds for each of its
 * keys. What is not of the usual kind starts again in a lane of its own, where it keeps only its like waiting.
 */
const lanes = [
  { atOnce: AT_ONCE, mostIterations: 100_000, limitMs: 2_000 },
  { atOnce: 1, limitMs: 30_000 },
] as const;

/** What a value becomes depends on nothing else, so its age does not count. */
const anyAge = { notOlderThan: new Date(0), priority: "mount" } as const;

/** Decodes a value once, however many pods mount it at the same time, and few values at once. */
export function createPfxReaders({ wantsChain, clock, decode = decodeInThread }: PfxReaderOptions): OpenPfxReader {
  const shared = createShared<PfxPem>(clock);
  const queues = lanes.map((lane) => ({ lane, queue: new PQueue({ concurrency: lane.atOnce }) }));

  async function decodeInLanes(pfx: Uint8Array, signal: AbortSignal): Promise<PfxPem> {
    for (const { queue, lane } of queues) {
      const { limitMs, ...limits } = lane;
      // Without the signal: a place is free when the thread has ended, not when its caller has left.
      const answer = await queue.add(() => decode({ pfx, wantsChain, ...limits }, { signal, limitMs }));
      if (answer !== undefined) return answer;
    }
    throw new DriverError("ProviderError", "pkcs12: not decoded in time: export the certificate with fewer iterations");
  }

  return () => {
    const own = new PQueue({ concurrency: AT_ONCE });
    return async (value, signal) => {
      const pfx = decodeValue(value);
      const key = createHash("sha256").update(pfx).digest("base64");
      return own.add(() => shared.ask(key, anyAge, signal, (flight) => decodeInLanes(pfx, flight.signal)));
    };
  };
}

/** The vault's fault, not the request's. */
function decodeValue(value: string): Uint8Array {
  try {
    return decodeBase64(value);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    throw new DriverError("ProviderError", `${error.message}: the value is no PFX: import the certificate anew`);
  }
}
