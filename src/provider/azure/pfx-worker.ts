import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { DriverError } from "../../errors.ts";
import type { PfxPem } from "./pfx-pem.ts";

export interface PfxJob {
  readonly pfx: Uint8Array;
  readonly wantsChain: boolean;
}

export type PfxAnswer = PfxPem | { readonly refused: string };

/** How long somebody waits for a PFX. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly limitMs: number;
}

/** Decodes a PFX in some way; undefined when it took longer than the limit. The signal ends it. Throws DriverError. */
export type DecodePfx = (job: PfxJob, patience: Patience) => Promise<PfxPem | undefined>;

/** A PFX of a few megabytes must not take the memory of all others. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/** The thread's program lies beside this file, in src/ and in dist/. */
const program = new URL(`./pfx-thread${extname(new URL(import.meta.url).pathname)}`, import.meta.url);

/** Decodes in a thread that ends with the answer, the limit or the signal (design section 9). */
export const decodeInThread: DecodePfx = async (job, { signal, limitMs }) => {
  const { promise, resolve, reject } = Promise.withResolvers<PfxAnswer | undefined>();
  const leave = (): void => {
    reject(new DriverError("DeadlineExceeded", "pkcs12: not decoded before the deadline"));
  };
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  const limit = setTimeout(resolve, limitMs, undefined);
  const thread = startThread(job, { resolve, reject });
  try {
    const answer = await promise;
    if (answer !== undefined && "refused" in answer) throw new DriverError("ProviderError", answer.refused);
    return answer;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", leave);
    void thread.terminate();
  }
};

interface Listener {
  readonly resolve: (answer: PfxAnswer) => void;
  readonly reject: (error: DriverError) => void;
}

function startThread(job: PfxJob, { resolve, reject }: Listener): Worker {
  const broken = (): void => {
    reject(new DriverError("ProviderError", "pkcs12: the value cannot be decoded: import the certificate anew"));
  };
  // No flags, no environment: it computes. An error is what ends a thread that takes more memory than it may.
  return new Worker(program, { workerData: job, env: {}, execArgv: [], resourceLimits })
    .on("message", resolve)
    .on("error", broken)
    .on("exit", broken);
}
