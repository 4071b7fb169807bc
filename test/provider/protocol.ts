import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DriverError } from "../../src/errors.ts";
import { parsePayload } from "../../src/volume/payload.ts";
import { leaveDeadSocket } from "../fakes/dead-socket.ts";
import { tokensKey } from "../fakes/messages.ts";
import type { Answer, StartPeer } from "../fakes/provider-peer.ts";
import { aRequest, aVolume, noSignal } from "../fakes/volumes.ts";
import { MiB, useStage, type Stage } from "./stage.ts";

const one = [{ id: "secret/a", version: "1" }];
const aFile = { path: "a", mode: 0o644, contents: "text" };

/** The sentences of csi-driver 2.1 to 2.6, said to a provider behind a real socket. */
export function describeProtocol(startPeer: StartPeer): void {
  const stage = useStage(startPeer);
  describeRequests(stage);
  describeAnswers(stage);
  describeFailures(stage);
  describeErrors(stage);
  describeEnds(stage);
  describeSockets(stage);
  describeHealth(stage);
}

function describeRequests(stage: () => Stage): void {
  describe("a provider is sent", () => {
    test("the merged parameters, the target, 420 and no versions, under the authority localhost", async () => {
      await stage().ask({ objectVersion: one }, { parameters: { "vault<&>\u2028": "ü\ud800" } });
      const call = (await stage().calls()).at(-1);
      expect(call).toMatchObject({
        method: "/v1alpha1.CSIDriverProvider/Mount",
        authority: "localhost",
        targetPath: aVolume.targetPath,
        permission: "420",
      });
      expect(call?.currentObjectVersion ?? []).toEqual([]);
      expect(JSON.parse(call?.attributes ?? "")).toEqual({
        ...aRequest.attributes,
        "vault<&>\u2028": "ü\uFFFD",
        answer: JSON.stringify({ objectVersion: one }),
      });
    });

    test("more than 4 MiB, if the pod's parameters and secrets are that many", async () => {
      const { versions } = await stage().ask({ objectVersion: one }, { parameters: { long: "x".repeat(5 * MiB) } });
      expect(versions).toEqual(one);
    });

    const tokens = '{"aud":{"token":"t","expirationTimestamp":"2026-01-01T00:00:00Z"}}';

    test.each([
      ["null where there are none", {}, null, undefined],
      ["those of the pod", { secrets: { clientid: "id" } }, { clientid: "id" }, undefined],
      ["none but tokens in the attributes", { serviceAccountTokens: tokens }, null, tokens],
      [
        "tokens in both places where kubelet put them there",
        { secrets: { a: "b" }, serviceAccountTokens: tokens, tokensInSecrets: true as const },
        { a: "b", [tokensKey]: tokens },
        tokens,
      ],
    ])("secrets: %s", async (_name, credentials, secrets, inAttributes) => {
      await stage().ask({ objectVersion: one }, { credentials });
      const call = (await stage().calls()).at(-1);
      expect(JSON.parse(call?.secrets ?? "")).toEqual(secrets);
      expect((JSON.parse(call?.attributes ?? "") as Record<string, string>)[tokensKey]).toEqual(inAttributes);
    });

    test("kubelet's tokens, whatever a parameter of that name says", async () => {
      const credentials = { serviceAccountTokens: tokens };
      await stage().ask({ objectVersion: one }, { credentials, parameters: { [tokensKey]: "forged" } });
      const { attributes = "" } = (await stage().calls()).at(-1) ?? {};
      expect((JSON.parse(attributes) as Record<string, string>)[tokensKey]).toBe(tokens);
    });

    test("the caller's deadline, and none where there is none", async () => {
      await stage().ask({ objectVersion: one });
      await stage().ask({ objectVersion: one }, {}, { freshness: { deadline: new Date(Date.now() + 60_000) } });
      expect((await stage().calls()).map(({ hasDeadline }) => hasDeadline)).toEqual([false, true]);
    });
  });
}

function describeAnswers(stage: () => Stage): void {
  describe("an answer", () => {
    test("is files and versions, mode 0 included", async () => {
      const files = [aFile, { path: "d/b", mode: 0, contents: "" }];
      const content = await stage().ask({ objectVersion: one, files });
      expect(content.versions).toEqual(one);
      expect(content.files.map((file) => ({ ...file, contents: Buffer.from(file.contents).toString() }))).toEqual(
        files,
      );
    });

    test("without files is success", async () => {
      expect(await stage().ask({ objectVersion: one })).toEqual({ files: [], versions: one });
    });

    test("has one version for each id, the last, in the order of ids", async () => {
      const given = ["b 1", "a 1", "b 2"].map((text) => ({ id: text.slice(0, 1), version: text.slice(2) }));
      const { versions } = await stage().ask({ objectVersion: given });
      expect(versions).toEqual([
        { id: "a", version: "1" },
        { id: "b", version: "2" },
      ]);
    });

    test("above 1 MiB is taken, and the log says that Secret sync may fail", async () => {
      const { files } = await stage().ask({ objectVersion: one, fill: { count: 1, bytes: MiB } });
      expect(files[0]?.contents.byteLength).toBe(MiB);
      expect(stage().log.lines.join("\n")).toMatch(
        /INFO the answer of provider "mis" is 10486\d\d bytes, .*Secrets may fail/,
      );
    });

    test("of 1 MiB is nothing to talk about", async () => {
      await stage().ask({ objectVersion: one, fill: { count: 1, bytes: MiB - 100 } });
      expect(stage().log.lines).toEqual([]);
    });
  });
}

function describeFailures(stage: () => Stage): void {
  describe("an answer is a failure", () => {
    test.each<[string, Answer, string]>([
      [
        "with an error code",
        { error: "SomeCode", objectVersion: one, files: [aFile] },
        'failed with error code "SomeCode"',
      ],
      ["with an error code, which is told before that versions are missing", { error: "SomeCode" }, '"SomeCode"'],
      ["with a long error code", { error: "x".repeat(5_000), objectVersion: one }, `"${"x".repeat(200)}…"`],
      ["without versions, even with files", { files: [aFile] }, "missing object versions"],
      ["with a path twice", { objectVersion: one, files: [aFile, aFile] }, 'gave two files of the name "a"'],
      ["that is no protobuf", { raw: "//////8=" }, "no MountResponse of v1alpha1"],
      // File{path: half a surrogate pair in three bytes}
      ["with half a surrogate pair", { objectVersion: one, raw: "GgUKA+2ggA==" }, "not valid Unicode"],
      // ObjectVersion{id: "a", version: the same}
      ["with half a surrogate pair in a version", { objectVersion: one, raw: "CggKAWESA+2ggA==" }, "not valid Unicode"],
    ])("%s", async (_name, answer, message) => {
      const error = await stage().failure(answer);
      expect(error).toMatchObject({ reason: "ProviderError" });
      expect((error as Error).message).toContain(message);
    });

    test("that has more entries than anybody needs is not decoded", async () => {
      const error = await stage().failure({ raw: Buffer.from("1a00".repeat(60_000), "hex").toString("base64") });
      expect(error).toMatchObject({
        reason: "ProviderError",
        message: expect.stringContaining("60000 files and") as string,
      });
    });

    test("above the limit, with the flag that raises it", async () => {
      expect(await stage().failure({ objectVersion: one, fill: { count: 1, bytes: 5 * MiB } })).toMatchObject({
        reason: "InvalidRequest",
        message: expect.stringMatching(/bytes, more than the limit of 4194304: .*--max-call-recv-msg-size$/) as string,
      });
    });

    test("from the first byte above the limit on", async () => {
      // What such an answer has beside the contents of its file.
      const around = 38;
      const ofBytes = (bytes: number): Answer => ({ objectVersion: one, fill: { count: 1, bytes: bytes - around } });
      expect((await stage().ask(ofBytes(4 * MiB))).versions).toEqual(one);
      expect(await stage().failure(ofBytes(4 * MiB + 1))).toMatchObject({
        message: expect.stringContaining("is 4194305 bytes") as string,
      });
    });

    test.each<[string, Answer]>([
      ["a path that leaves the volume", { files: [{ ...aFile, path: "../../etc/passwd" }] }],
      ["an absolute path", { files: [{ ...aFile, path: "/etc/passwd" }] }],
      ["mode 07777", { files: [{ ...aFile, mode: 0o7777 }] }],
      ["a negative mode", { files: [{ ...aFile, mode: -1 }] }],
      ["10,000 files", { fill: { count: 10_000, bytes: 1 } }],
    ])("to the volume for %s", async (_name, answer) => {
      const { files } = await stage().ask({ objectVersion: one, ...answer });
      expect(() => parsePayload(files)).toThrow(DriverError);
    });
  });
}

function describeErrors(stage: () => Stage): void {
  describe("a gRPC error", () => {
    test.each([
      [1, "ProviderUnavailable", "CANCELLED"],
      [2, "ProviderError", "UNKNOWN"],
      [3, "ProviderError", "INVALID_ARGUMENT"],
      [4, "DeadlineExceeded", "DEADLINE_EXCEEDED"],
      [5, "ProviderError", "NOT_FOUND"],
      [7, "PermissionDenied", "PERMISSION_DENIED"],
      [8, "Throttled", "RESOURCE_EXHAUSTED"],
      [9, "ProviderError", "FAILED_PRECONDITION"],
      [10, "ProviderUnavailable", "ABORTED"],
      [12, "ProviderError", "UNIMPLEMENTED"],
      [13, "ProviderError", "INTERNAL"],
      [16, "PermissionDenied", "UNAUTHENTICATED"],
    ])("%i is %s, tried once", async (code, reason, word) => {
      const error = await stage().failure({ fails: { code, message: "its own\nwords" } });
      expect(error).toMatchObject({ reason });
      expect((error as Error).message).toBe(`provider "mis" failed: ${word}: its own words`);
      expect(await stage().calls()).toHaveLength(1);
    });

    test("of a long text is told in part", async () => {
      const { message } = (await stage().failure({ fails: { code: 2, message: "x".repeat(3_000) } })) as Error;
      expect(message.length).toBeLessThan(1_100);
    });

    test("of the provider's own limits does not speak of ours", async () => {
      const message = "grpc: received message larger than max (5 vs 4)";
      expect(await stage().failure({ fails: { code: 8, message } })).toMatchObject({
        message: `provider "mis" failed: RESOURCE_EXHAUSTED: ${message}`,
      });
    });

    test("UNAVAILABLE is tried three times", { timeout: 15_000 }, async () => {
      expect(await stage().failure({ fails: { code: 14, message: "starting" } })).toMatchObject({
        reason: "ProviderUnavailable",
        message: 'provider "mis" failed: UNAVAILABLE: starting',
      });
      expect(await stage().calls()).toHaveLength(3);
    });

    test("UNAVAILABLE that passes is not told", { timeout: 15_000 }, async () => {
      const content = await stage().ask({ fails: { code: 14, message: "starting", times: 2 }, objectVersion: one });
      expect(content.versions).toEqual(one);
    });
  });
}

function describeEnds(stage: () => Stage): void {
  describe("a call ends", () => {
    test("with the caller, and the provider sees it", async () => {
      const caller = new AbortController();
      const asked = stage().ask({ delayMs: 600_000, objectVersion: one }, {}, { signal: caller.signal });
      await expect.poll(() => stage().calls()).toHaveLength(1);
      caller.abort();
      await expect(asked).rejects.toMatchObject({ reason: "DeadlineExceeded" });
      await expect.poll(() => stage().calls("left")).toHaveLength(1);
    });

    test("for a caller who left before it began, unsent", async () => {
      await expect(stage().ask({ objectVersion: one }, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        reason: "DeadlineExceeded",
      });
      expect(await stage().calls()).toEqual([]);
    });

    test("at the deadline, and says that the provider is slow", async () => {
      const deadline = new Date(Date.now() + 1_000);
      await expect(stage().ask({ delayMs: 600_000 }, {}, { freshness: { deadline } })).rejects.toMatchObject({
        reason: "DeadlineExceeded",
        message: 'provider "mis" did not answer in time: look at its logs on this node',
      });
    });
  });
}

function describeSockets(stage: () => Stage): void {
  describe("a socket", () => {
    test("where nobody listens is waited for, and the remedy is told at the deadline", async () => {
      await stage().peer.stop();
      await leaveDeadSocket(stage().socketPath);
      // Longer than three attempts take.
      const deadline = new Date(Date.now() + 4_000);
      await expect(stage().ask({ objectVersion: one }, {}, { freshness: { deadline } })).rejects.toMatchObject({
        reason: "DeadlineExceeded",
        message: `nobody listens on ${stage().socketPath}: is provider "mis" running on this node?`,
      });
    });

    test("where somebody begins to listen is found", async () => {
      await stage().peer.stop();
      await leaveDeadSocket(stage().socketPath);
      const asked = stage().ask({ objectVersion: one });
      stage().peer = await stage().startPeer(stage().socketPath);
      expect((await asked).versions).toEqual(one);
    });

    test("made anew at the same path is the one that is asked", async () => {
      await stage().ask({ objectVersion: one });
      const old = stage().peer;
      rmSync(stage().socketPath);
      stage().peer = await stage().startPeer(join(stage().dir, "new.sock"));
      renameSync(join(stage().dir, "new.sock"), stage().socketPath);
      await stage().ask({ objectVersion: one });
      expect([(await stage().calls("begun", old)).length, (await stage().calls()).length]).toEqual([1, 1]);
      await old.stop();
    });
  });
}

function describeHealth(stage: () => Stage): void {
  describe("a version is asked for", () => {
    const methods = async () => (await stage().calls()).map(({ method }) => method.split("/").at(-1));

    test("by the health check alone, and of providers that were needed", async () => {
      await stage().providers.probe(noSignal);
      expect(await methods()).toEqual([]);
      await stage().ask({ objectVersion: one });
      expect(await methods()).toEqual(["Mount"]);
    });

    test("as v1alpha1, with a deadline, under the authority localhost", async () => {
      await stage().ask({ objectVersion: one });
      await stage().providers.probe(noSignal);
      expect((await stage().calls()).at(-1)).toMatchObject({
        method: "/v1alpha1.CSIDriverProvider/Version",
        authority: "localhost",
        hasDeadline: true,
      });
      expect(stage().log.lines).toEqual([expect.stringContaining('provider "mis" is healthy')]);
    });
  });
}
