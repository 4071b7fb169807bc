import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { DriverError } from "../../errors.ts";
import type { PfxPem } from "./pfx-pem.ts";

export interface PfxJob {
  readonly pfx: Uint8Array;
  readonly wantsChain: boolean;
  /** As many as all its keys together may take; by default any number. */
  readonly mostIterations?: number;
}

export type PfxAnswer = PfxPem | "too much work" | { readonly refused: string };

/** How long somebody waits for a PFX. */
export interface Patience {
  readonly signal: AbortSignal;
  readonly limitMs: number;
}

/**
 * Decodes a PFX in some way; undefined when it takes longer than the limit, or more iterations than the job allows. The
 * signal ends it. Settles when nobody computes for it any more. Throws DriverError.
 */
export type DecodePfx = (job: PfxJob, patience: Patience) => Promise<PfxPem | undefined>;

/** A PFX of a few megabytes must not take the memory of all others. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/** The thread's program lies beside this file, in src/ and in dist/. */
const program = new URL(`./pfx-thread${extname(new URL(import.meta.url).pathname)}`, import.meta.url);

/** Decodes in a thread that ends with the answer, the limit or the signal (design section 9). */
export const decodeInThread: DecodePfx = async (job, { signal, limitMs }) => {
  if (signal.aborted) throw tooLate();
  const { promise, resolve, reject } = Promise.withResolvers<PfxAnswer | undefined>();
  const thread = startThread(job, { resolve, reject });
  const leave = (): void => {
    reject(tooLate());
  };
  signal.addEventListener("abort", leave);
  const limit = setTimeout(resolve, limitMs, undefined);
  let answer: PfxAnswer | undefined;
  try {
    answer = await promise;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", leave);
    const ended = thread.terminate();
    if (answer === undefined) await ended;
  }
  return pemIn(answer);
};

function pemIn(answer: PfxAnswer | undefined): PfxPem | undefined {
  if (answer === undefined || answer === "too much work") return undefined;
  if ("refused" in answer) throw new DriverError("ProviderError", answer.refused);
  return answer;
}

function tooLate(): DriverError {
  return new DriverError("DeadlineExceeded", "pkcs12: not decoded before the deadline");
}

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
