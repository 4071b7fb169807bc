import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { createClient } from "../../src/grpc/client.ts";
import { timed } from "./timing.ts";

/** Calls Probe every 20 ms, whether or not the one before was answered, until it is told to stop; then posts the durations. */
if (parentPort === null) throw new Error("this is a thread of the bench");
const client = createClient(workerData as string);
const calls: Promise<number>[] = [];
const probe = async (): Promise<number> => timed(() => client.identity.probe());

await probe();
parentPort.postMessage("ready");
const timer = setInterval(() => {
  const call = probe();
  // A failure is told at the end, with the others.
  call.catch(() => undefined);
  calls.push(call);
}, 20);
await once(parentPort, "message");
clearInterval(timer);
parentPort.postMessage(await Promise.all(calls));
client.close();
