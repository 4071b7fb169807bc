import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { createVolumeFiles } from "../../src/files/volume-files.ts";
import { cannotMount } from "../fakes/mount-rights.ts";
import { payloadOf } from "../fakes/payload.ts";
import { createGround } from "../fakes/volume-directory.ts";

const reads = 10_000;
const large = 16 * 1024;

/**
 * Reads as programs in pods do, by the visible names and by one open data directory, until it has read often enough.
 * A read that meets the switch is repeated once. Progress is counted in shared memory.
 */
const readerSource = `
  const { closeSync, constants, openSync, readFileSync } = require("node:fs");
  const { parentPort, workerData } = require("node:worker_threads");
  const { volume, reads, large, progress } = workerData;
  const done = new Int32Array(progress);
  const text = (path) => readFileSync(path, "latin1");
  function visible() {
    const contents = text(volume + "/large");
    return contents.length === large && contents === contents[0].repeat(large) ? undefined : "torn";
  }
  function together() {
    const fd = openSync(volume + "/..data", constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const all = [text("/proc/self/fd/" + fd + "/large"), text("/proc/self/fd/" + fd + "/d/small")];
      return all[0] === all[1].repeat(large) ? undefined : "mixed";
    } finally {
      closeSync(fd);
    }
  }
  const found = { wrong: [], repeated: 0, distinct: 0 };
  const once = (read) => {
    try { return read(); } catch (error) { return error.code; }
  };
  const seen = new Set();
  for (let index = 0; index < reads; index++) {
    const read = index % 2 ? visible : together;
    let fault = once(read);
    if (fault === "ENOENT") {
      found.repeated++;
      fault = once(read);
    }
    if (fault !== undefined) found.wrong.push(fault);
    once(() => void seen.add(text(volume + "/d/small")));
    Atomics.add(done, 0, 1);
    Atomics.notify(done, 0);
  }
  found.distinct = seen.size;
  parentPort.postMessage(found);
`;

interface Found {
  readonly wrong: readonly string[];
  readonly repeated: number;
  readonly distinct: number;
}

test.skipIf(cannotMount)(
  `ten thousand reads during rewrites meet no torn and no mixed content${cannotMount}`,
  async () => {
    const ground = createGround();
    const files = createVolumeFiles();
    const version = (letter: string): ReturnType<typeof payloadOf> =>
      payloadOf({ large: letter.repeat(large), "d/small": letter });
    await files.write(ground.volume, version("a"));

    const progress = new SharedArrayBuffer(4);
    const done = new Int32Array(progress);
    const reader = new Worker(readerSource, {
      eval: true,
      workerData: { volume: join(ground.volume), reads, large, progress },
    });
    const answer = once(reader, "message");
    let writes = 0;
    while (Atomics.load(done, 0) < reads) {
      const seen = Atomics.load(done, 0);
      await files.write(ground.volume, version("abcdefgh".charAt(++writes % 8)));
      // A read may meet one switch and not two: the next write waits until two reads were finished.
      for (let now = seen; now < Math.min(seen + 2, reads); now = Atomics.load(done, 0))
        Atomics.wait(done, 0, now, 1000);
    }
    const [found] = (await answer) as [Found];
    await reader.terminate();
    ground.remove();

    expect(found.wrong).toEqual([]);
    expect(found.distinct).toBe(8);
    expect(writes).toBeGreaterThan(reads / 100);
    expect(found.repeated).toBeLessThanOrEqual(writes);
    console.log(`${reads} reads, ${writes} writes; ${found.repeated} reads met a switch and were repeated once`);
  },
);
