import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import { createPfxReaders, type OpenPfxReader, type ReadPfx } from "../../../../src/provider/azure/pfx.ts";
import type { PfxPem } from "../../../../src/provider/azure/pfx-pem.ts";
import { decodeInThread, type DecodePfx } from "../../../../src/provider/azure/pfx-worker.ts";
import {
  certificateBag,
  craftPfx,
  encryptedKey,
  endlessPfxs,
  garbagePart,
  pbes2,
  plainKey,
  plainPart,
  slowPart,
} from "../../../fakes/pfx-crafted.ts";
import { noSignal } from "../../../fakes/volumes.ts";

const small = craftPfx([plainPart(certificateBag(Buffer.from("test")))]);
const pem = "-----BEGIN CERTIFICATE-----\ndGVzdA==\n-----END CERTIFICATE-----\n";
const [endless = Buffer.of()] = endlessPfxs(1);

const never = { signal: noSignal, limitMs: 60_000 };

describe("the thread", () => {
  test("decodes a PFX", async () => {
    expect(await decodeInThread({ pfx: small, wantsChain: false }, never)).toEqual({ pem, complete: true });
  });
  test.each([
    ["what is none", Buffer.from("hello"), "pkcs12: the value is no PFX, or a damaged one"],
    ["a huge iteration count", craftPfx([garbagePart(pbes2(2 ** 31))]), "above the limit of 1000000"],
    ["a huge iteration count of the MAC", craftPfx([], 2 ** 31), "above the limit of 1000000"],
    ["a key that is itself encrypted", craftPfx([plainPart(plainKey(encryptedKey(2 ** 31)))]), "failed to parse key"],
    ["what takes all memory", memoryBomb(), "pkcs12: the value cannot be decoded"],
  ])("refuses %s", async (_, pfx, message) => {
    await expect(decodeInThread({ pfx, wantsChain: true }, never)).rejects.toMatchObject({
      reason: "ProviderError",
      message: expect.stringContaining(message) as string,
    });
  });
  test("ends with the caller's signal, whatever it is at", async () => {
    const caller = new AbortController();
    const told = decodeInThread({ pfx: endless, wantsChain: true }, { ...never, signal: caller.signal });
    // By then this thread has been free to do something else.
    await decodeInThread({ pfx: small, wantsChain: false }, never);
    caller.abort();
    await expect(told).rejects.toMatchObject({ reason: "DeadlineExceeded" });
  });
  test("ends with the limit", async () => {
    expect(await decodeInThread({ pfx: endless, wantsChain: true }, { ...never, limitMs: 1 })).toBeUndefined();
  });
  test("ends where more iterations are needed than were allowed, however they are hidden", async () => {
    const hidden = craftPfx([slowPart(10, certificateBag(Buffer.from("test"))), slowPart(1)]);
    const decode = (mostIterations: number) =>
      decodeInThread({ pfx: hidden, wantsChain: false, mostIterations }, never);
    expect(await decode(10)).toBeUndefined();
    expect(await decode(11)).toEqual({ pem, complete: true });
  });
  test("is gone in the end, whatever that was", async () => {
    const before = threads();
    const caller = new AbortController();
    setTimeout(() => {
      caller.abort();
    }, 10);
    await Promise.allSettled([
      decodeInThread({ pfx: small, wantsChain: false }, never),
      decodeInThread({ pfx: Buffer.from("hello"), wantsChain: false }, never),
      decodeInThread({ pfx: endless, wantsChain: false }, { ...never, limitMs: 50 }),
      decodeInThread({ pfx: endless, wantsChain: false }, { ...never, signal: caller.signal }),
      decodeInThread({ pfx: endless, wantsChain: false, mostIterations: 10 }, never),
      decodeInThread({ pfx: memoryBomb(), wantsChain: false }, never),
    ]);
    await expect.poll(threads).toBeLessThanOrEqual(before);
  });
  test("is none for a caller who has left", async () => {
    const gone = { ...never, signal: AbortSignal.abort() };
    await expect(decodeInThread({ pfx: small, wantsChain: true }, gone)).rejects.toMatchObject({
      reason: "DeadlineExceeded",
    });
  });
});

/** Of this process, by the kernel's count. */
function threads(): number {
  return readdirSync("/proc/self/task").length;
}

/** Four million bytes that are two million nodes. */
function memoryBomb(): Buffer {
  const nodes = Buffer.alloc(4_000_000, "3000", "hex");
  return Buffer.concat([Buffer.from("30833d0900", "hex"), nodes]);
}

describe("createPfxReaders()", () => {
  interface Decoding {
    readonly signal: AbortSignal;
    readonly limitMs: number;
    readonly mostIterations: number | undefined;
    /** With the PEM, with an error, or not in time. */
    readonly finish: (how?: DriverError | "late") => void;
  }
  interface Started {
    /** Of one mount. */
    readonly read: ReadPfx;
    readonly open: OpenPfxReader;
    readonly decodings: Decoding[];
  }
  function start(): Started {
    const decodings: Decoding[] = [];
    const decode: DecodePfx = ({ mostIterations }, { signal, limitMs }) => {
      const { promise, resolve, reject } = Promise.withResolvers<PfxPem | undefined>();
      const finish: Decoding["finish"] = (how) => {
        if (how instanceof DriverError) reject(how);
        else resolve(how === "late" ? undefined : { pem, complete: true });
      };
      decodings.push({ signal, limitMs, mostIterations, finish });
      return promise;
    };
    const open = createPfxReaders({ wantsChain: true, clock: () => new Date(), decode });
    return { read: open(), open, decodings };
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test("decodes one value once for all who mount it at the same time", async () => {
    const { open, decodings } = start();
    const all = Array.from({ length: 100 }, () => open()("aGVsbG8=", noSignal));
    await settle();
    decodings[0]?.finish();
    expect(new Set(await Promise.all(all))).toEqual(new Set([{ pem, complete: true }]));
    expect(decodings).toHaveLength(1);
  });
  test("goes on while one of two waits, and ends when nobody does", async () => {
    const { read, decodings } = start();
    const [one, other] = [new AbortController(), new AbortController()];
    const both = Promise.allSettled([read("aGVsbG8=", one.signal), read("aGVsbG8=", other.signal)]);
    await settle();
    one.abort();
    expect(decodings[0]?.signal.aborted).toBe(false);
    other.abort();
    expect(decodings[0]?.signal.aborted).toBe(true);
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
  test("decodes few values at once, and the next when one is done", async () => {
    const { read, decodings } = start();
    const all = ["", "aGVs", "aGVsbG8="].map((value) => read(value, noSignal));
    await settle();
    expect(decodings).toHaveLength(2);
    decodings[0]?.finish();
    await all[0];
    await settle();
    expect(decodings).toHaveLength(3);
    for (const { finish } of decodings) finish();
    await Promise.all(all);
  });
  test("a mount with hundreds of values keeps the next mount waiting for two of them", async () => {
    const { open, decodings } = start();
    const hundreds = open();
    const many = Array.from({ length: 300 }, (_, n) =>
      hundreds(Buffer.from(`value ${n}`).toString("base64"), noSignal),
    );
    await settle();
    const other = open()("aGVsbG8=", noSignal);
    await settle();
    decodings[0]?.finish();
    await settle();
    decodings[1]?.finish();
    await settle();
    // Two of the many, the other's, and one more of the many.
    expect(decodings).toHaveLength(4);
    decodings[2]?.finish();
    expect((await other).pem).toBe(pem);
    for (let at = 3; at < 301; at++) {
      await expect.poll(() => decodings.length).toBeGreaterThan(at);
      decodings[at]?.finish();
    }
    expect(await Promise.all(many)).toHaveLength(300);
  });
  test("a caller who leaves frees the place when the thread has ended, and leaves nothing in line", async () => {
    const { open, decodings } = start();
    const caller = new AbortController();
    const crafted = open();
    const all = Promise.allSettled(["", "aGVs", "aGVsbG8="].map((value) => crafted(value, caller.signal)));
    await settle();
    const other = open()("c2Vjb25k", noSignal);
    caller.abort();
    expect(await all).toMatchObject(Array(3).fill({ reason: { message: "the caller's deadline ended" } }));
    await settle();
    expect(decodings).toHaveLength(2);
    decodings[0]?.finish(new DriverError("DeadlineExceeded", "the thread has ended"));
    await settle();
    expect(decodings).toHaveLength(3);
    decodings[2]?.finish();
    expect((await other).pem).toBe(pem);
  });
  test("what is not decoded soon starts again in a lane of its own and keeps nobody else waiting", async () => {
    const { read, open, decodings } = start();
    const slow = ["", "aGVs"].map((value) => read(value, noSignal));
    const healthy = open()("aGVsbG8=", noSignal);
    await settle();
    for (const { finish } of decodings.slice(0, 2)) finish("late");
    await settle();
    const [quick, slowLane] = [2_000, 30_000].map((limit) => decodings.filter(({ limitMs }) => limitMs === limit));
    expect([quick?.length, slowLane?.length]).toEqual([3, 1]);
    expect(new Set(decodings.map(({ mostIterations }) => mostIterations))).toEqual(new Set([100_000, undefined]));
    quick?.[2]?.finish();
    expect((await healthy).pem).toBe(pem);
    slowLane?.[0]?.finish("late");
    await expect(slow[0]).rejects.toMatchObject({
      reason: "ProviderError",
      message: "pkcs12: not decoded in time: export the certificate with fewer iterations",
    });
    await settle();
    decodings.at(-1)?.finish();
    expect((await slow[1])?.pem).toBe(pem);
  });
  test("refuses what is no base64, and tells a failure to all who wait", async () => {
    const { read, decodings } = start();
    await expect(read("invalid", noSignal)).rejects.toMatchObject({
      reason: "ProviderError",
      message: "illegal base64 data at input byte 4: the value is no PFX: import the certificate anew",
    });
    const both = Promise.allSettled([read("", noSignal), read("", noSignal)]);
    await settle();
    decodings[0]?.finish(new DriverError("ProviderError", "no leaf found"));
    expect(await both).toMatchObject([
      { reason: { message: "no leaf found" } },
      { reason: { message: "no leaf found" } },
    ]);
  });
});

describe("a crafted PFX beside a healthy one", () => {
  test("does not keep the thread that serves pods, nor the next PFX", async () => {
    const open = createPfxReaders({ wantsChain: false, clock: () => new Date() });
    const caller = new AbortController();
    const crafted = open()(endless.toString("base64"), caller.signal);
    let done = false;
    crafted.catch(() => (done = true));
    // A healthy one comes, and timers fire, while the crafted one has minutes to go.
    expect((await open()(small.toString("base64"), noSignal)).pem).toBe(pem);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(done).toBe(false);
    caller.abort();
    await expect(crafted).rejects.toMatchObject({ reason: "DeadlineExceeded" });
  });
});
