import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { requestsIn } from "../../bench/emulator.ts";
import { parseEntrypoint } from "../../bench/entrypoint.ts";
import { cpuSecondsIn, memoryIn } from "../../bench/process-figures.ts";
import { spellingsOf } from "../../bench/spellings.ts";

test("CPU time is that of user and system, whatever the program is called", () => {
  const stat = "42 (a) (b c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 100 1000 200";
  expect(cpuSecondsIn(stat, 100)).toBe(3);
});

test("memory is read in MiB, the sum of all mappings and not its parts", () => {
  const rollup = "00400000-7ffe [rollup]\nRss:  2048 kB\nPss:  1024 kB\nPss_Anon:  512 kB\nAnonymous:  768 kB\n";
  expect(memoryIn(rollup)).toEqual({ rss: 2, pss: 1, anonymous: 0.75 });
});

test("the program is run as the last stage of the Dockerfile says", () => {
  const dockerfile = [
    "FROM one AS build",
    "ENV A=0",
    "FROM scratch",
    "ENV A=1 \\",
    "    B=x=y",
    'ENTRYPOINT ["/bin/node", "--flag", "--size=1", "/app/main.js", "node"]',
  ].join("\n");
  expect(parseEntrypoint(dockerfile)).toEqual({ nodeFlags: ["--flag", "--size=1"], env: { A: "1", B: "x=y" } });
});

test("our own Dockerfile is understood", () => {
  const { nodeFlags, env } = parseEntrypoint(readFileSync("Dockerfile", "utf8"));
  expect(nodeFlags).toContain("--disable-sigusr1");
  expect(env).toHaveProperty("NODE_ENV", "production");
});

test("spellings of a client id differ from it and from each other in nothing but their case", () => {
  const id = "0a1b2c3d";
  const spellings = spellingsOf(id);
  const some = Array.from({ length: 15 }, () => spellings.next().value);
  expect(new Set([id, ...some]).size).toBe(16);
  expect(new Set(some.map((spelling) => spelling.toLowerCase()))).toEqual(new Set([id]));
});

test("requests are counted by who was asked, challenges among them; at the API server writes and reads of classes apart", () => {
  const none = { requests: 0, challenges: 0, peakInFlight: 0, answers: {} };
  const api = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/default";
  const answers = {
    [`GET ${api}/secretproviderclasses/web 200`]: 2,
    [`PATCH ${api}/secretproviderclasspodstatuses/web 200`]: 3,
    "GET /api/v1/namespaces/default/secrets/web 404": 4,
    "POST /api/v1/namespaces/default/secrets 201": 5,
  };
  const counters = {
    vaults: { one: { ...none, requests: 1, challenges: 1 }, two: { ...none, requests: 7 } },
    entra: { ...none, requests: 3 },
    kubernetes: { ...none, requests: 14, answers },
    tokenProxy: none,
    imds: none,
    nmi: none,
  };
  expect(requestsIn(counters)).toEqual({ vault: 9, token: 3, apiServer: 14, classReads: 2, apiWrites: 8 });
});
