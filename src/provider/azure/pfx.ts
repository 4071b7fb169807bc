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

export interface PfxReaderOptions {
  readonly wantsChain: boolean;
  readonly clock: Clock;
  readonly decode?: DecodePfx;
}

/**
 * A usual PFX takes a tenth of a second, one at the limit of iterations some seconds for each key derived. What is not
 * decoded soon starts again in a lane of its own, where it keeps only its like waiting. A thread takes 20 MB.
 */
const lanes = [
  { atOnce: 2, limitMs: 2_000 },
  { atOnce: 1, limitMs: 30_000 },
] as const;

/** What a value becomes depends on nothing else, so its age does not count. */
const anyAge = { notOlderThan: new Date(0), priority: "mount" } as const;

/** Decodes a value once, however many pods mount it at the same time, and few values at once. */
export function createPfxReader({ wantsChain, clock, decode = decodeInThread }: PfxReaderOptions): ReadPfx {
  const shared = createShared<PfxPem>(clock);
  const queues = lanes.map(({ atOnce, limitMs }) => ({ queue: new PQueue({ concurrency: atOnce }), limitMs }));

  async function decodeInLanes(pfx: Uint8Array, signal: AbortSignal): Promise<PfxPem> {
    for (const { queue, limitMs } of queues) {
      const answer = await queue.add(() => decode({ pfx, wantsChain }, { signal, limitMs }), { signal });
      if (answer !== undefined) return answer;
    }
    throw new DriverError("ProviderError", "pkcs12: not decoded in time: export the certificate with fewer iterations");
  }

  return async (value, signal) => {
    const pfx = decodeBase64(value);
    const key = createHash("sha256").update(pfx).digest("base64");
    return shared.ask(key, anyAge, signal, (flight) => decodeInLanes(pfx, flight.signal));
  };
}
