/** A thread of its own for one PFX: decoding may take long, and strangers wrote it. */
import { parentPort, workerData } from "node:worker_threads";
import { DriverError } from "../../errors.ts";
import { TooMuchWork } from "../../formats/pkcs12-work.ts";
import { pfxToPem } from "./pfx-pem.ts";
import type { PfxAnswer, PfxJob } from "./pfx-worker.ts";

parentPort?.postMessage(answer(workerData as PfxJob));

function answer({ pfx, wantsChain, mostIterations }: PfxJob): PfxAnswer {
  try {
    return pfxToPem(pfx, wantsChain, mostIterations);
  } catch (error) {
    if (error instanceof TooMuchWork) return "too much work";
    return { refused: error instanceof DriverError ? error.message : "pkcs12: the value cannot be decoded" };
  }
}
