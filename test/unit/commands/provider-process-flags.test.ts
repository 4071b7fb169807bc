import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseProviderFlags, providerFlags } from "../../../src/commands/provider-process-flags.ts";
import { describeFlags } from "../../../src/formats/flags.ts";
import { codesIn, readPage } from "../../fakes/markdown-page.ts";

describe("the provider's flags", () => {
  test("have the established defaults", () => {
    const { values, problems } = parseProviderFlags([]);
    expect(problems).toEqual([]);
    expect(values).toMatchObject({
      endpoint: "unix:///tmp/azure.sock",
      version: false,
      "log-format-json": false,
      "enable-pprof": false,
      "pprof-port": { port: 6060 },
      "healthz-port": { port: 8989 },
      "healthz-path": "/healthz",
      "healthz-timeout": 5_000,
      "metrics-backend": "Prometheus",
      "prometheus-port": { port: 8898 },
      "construct-pem-chain": true,
      "write-cert-and-key-in-separate-files": false,
      "cloud-name": "AzurePublicCloud",
      "sni-name": "",
      "custom-user-agent": "",
      "max-call-recv-msg-size": 4_194_304,
      v: 0,
    });
  });

  test.each([
    ["-endpoint=unix:///provider/azure.sock", { endpoint: "unix:///provider/azure.sock" }],
    ["-v=5", { v: 5 }],
    ["--construct-pem-chain=false", { "construct-pem-chain": false }],
    ["-write-cert-and-key-in-separate-files", { "write-cert-and-key-in-separate-files": true }],
    ["--healthz-port=9000", { "healthz-port": { port: 9000 } }],
    ["--healthz-port=127.0.0.1:9000", { "healthz-port": { host: "127.0.0.1", port: 9000 } }],
    ["--prometheus-port=9001", { "prometheus-port": { port: 9001 } }],
    ["--healthz-path=/live", { "healthz-path": "/live" }],
    ["--healthz-timeout=1.5s", { "healthz-timeout": 1_500 }],
    ["--metrics-backend=prometheus", { "metrics-backend": "prometheus" }],
    ["--custom-user-agent=aks/1.2 (x)", { "custom-user-agent": "aks/1.2 (x)" }],
    ["--max-call-recv-msg-size=8388608", { "max-call-recv-msg-size": 8_388_608 }],
    ["--token-proxy-url=", {}],
    ["--enable-pprof", { "enable-pprof": true }],
    ["--pprof-port=6061", { "pprof-port": { port: 6061 } }],
  ])("take %s", (arg, values) => {
    expect(parseProviderFlags([arg])).toMatchObject({ problems: [], values });
  });

  test.each([
    ["--endpoint=tcp://:1", /^--endpoint: invalid endpoint: tcp:\/\/:1/],
    ["--endpoint=unix://", /^--endpoint: invalid endpoint: unix:\/\//],
    ["--healthz-port=x", /^--healthz-port: must be an address/],
    ["--healthz-port=65536", /^--healthz-port: must be an address/],
    ["--healthz-path=healthz", /^--healthz-path: must be a path such as \/healthz/],
    ["--healthz-path=/a?b", /^--healthz-path: must be a path/],
    ["--healthz-timeout=5", /^--healthz-timeout: time: missing unit/],
    ["--healthz-timeout=0s", /^--healthz-timeout: must be longer than nothing/],
    ["--metrics-backend=statsd", /^--metrics-backend: unsupported metrics backend statsd$/],
    ["--custom-user-agent=a\r\nb: c", /^--custom-user-agent: must be at most 200 characters of printable ASCII/],
    ["--max-call-recv-msg-size=0", /^--max-call-recv-msg-size: must be a number of bytes/],
    ["--cloud-name=AzureCloud1", /^--cloud-name: must be AzurePublicCloud/],
    ["--logtostderr", /^--logtostderr is not a flag of this command/],
    ["--nodeid=n", /^--nodeid is not a flag of this command/],
  ])("refuse %s", (arg, problem) => {
    expect(parseProviderFlags([arg]).problems).toEqual([expect.stringMatching(problem)]);
  });

  test("are all in the help", () => {
    const help = describeFlags(providerFlags).split("\n");
    expect(help.map((line) => /^ {2}--([-a-z]+)/.exec(line)?.[1])).toEqual(Object.keys(providerFlags));
  });

  test("are all in docs/provider-only.md, with their defaults", () => {
    const { tables } = readPage(readFileSync("docs/provider-only.md", "utf8"));
    const rows = tables.find(({ columns }) => columns[0] === "flag")?.rows ?? [];
    const told = rows.map(([flag, preset]) => [/^--?([-a-z]+)/.exec(codesIn(flag)[0] ?? "")?.[1], ...codesIn(preset)]);
    expect(told.map(([name]) => name)).toEqual(Object.keys(providerFlags));
    const help = describeFlags(providerFlags);
    const presets = [...help.matchAll(/^ {2}--([-a-z]+)=.*\(default ([^()]+)\)$/gm)].map(([, name, preset]) => [
      name,
      preset,
    ]);
    // What depends on the cluster is told in words.
    const inWords = ["token-proxy-ca-file", "sni-name"];
    expect(presets.length).toBeGreaterThan(10);
    for (const [name, preset] of presets.filter(([name = ""]) => !inWords.includes(name)))
      expect(told).toContainEqual([name, preset]);
  });
});
