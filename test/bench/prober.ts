import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** How long each Probe took, in ms, while the work was done; asked from a thread of its own, as the work fills this one. */
export async function probeDuring(socketPath: string, work: () => Promise<unknown>): Promise<readonly number[]> {
  const worker = new Worker(new URL("./prober-thread.ts", import.meta.url), { workerData: socketPath });
  try {
    await once(worker, "message");
    await work();
    const answer = once(worker, "message");
    worker.postMessage("stop");
    const [durations] = (await answer) as [readonly number[]];
    return durations;
  } finally {
    await worker.terminate();
  }
}
