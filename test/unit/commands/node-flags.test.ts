import { describe, expect, test } from "vitest";
import { nodeFlags, parseNodeFlags } from "../../../src/commands/node-flags.ts";
import { describeFlags } from "../../../src/formats/flags.ts";

describe("the flags of the node plugin", () => {
  test("have the established driver's names and defaults", () => {
    expect(parseNodeFlags(["--nodeid=n"])).toMatchObject({
      problems: [],
      values: {
        endpoint: "unix://tmp/csi.sock",
        nodeid: "n",
        drivername: "secrets-store.csi.k8s.io",
        "registration-dir": "",
        "health-addr": { host: "127.0.0.1", port: 9808 },
        "metrics-addr": { port: 8898 },
        kubeconfig: "",
        "pod-overrides": "all",
        "enable-secret-rotation": false,
        "rotation-poll-interval": 120_000,
        "provider-volume": "/var/run/secrets-store-csi-providers",
        "additional-provider-volume-paths": ["/etc/kubernetes/secrets-store-csi-providers"],
        "azure-provider-volume": "",
        "max-call-recv-msg-size": 4_194_304,
        "provider-health-check": false,
        "provider-health-check-interval": 120_000,
        "allow-token-secret-types": false,
        "cloud-name": "AzurePublicCloud",
        "construct-pem-chain": true,
        "write-cert-and-key-in-separate-files": false,
        "log-format-json": false,
        v: 0,
        version: false,
      },
    });
  });

  test.each([
    ["-nodeid", "n", "-v=10", "--log-format-json"],
    ["--nodeid=n", "--v", "10", "-log-format-json=true"],
  ])("take either dash form, = or a space", (...args) => {
    const { values, problems } = parseNodeFlags(args);
    expect(problems).toEqual([]);
    expect(values).toMatchObject({ nodeid: "n", v: 10, "log-format-json": true });
  });

  test.each([
    ["--v=11", "--v: must be a number from 0 to 10"],
    ["--v=-1", "--v: must be a number from 0 to 10"],
    ["--v=1.5", "--v: must be a number from 0 to 10"],
    ["--metrics-addr=8898/tcp", "--metrics-addr: must be an address such as :8898 or 127.0.0.1:9808"],
    ["--pod-overrides=some", "--pod-overrides: must be all or none"],
    ["--rotation-poll-interval=120", '--rotation-poll-interval: time: missing unit in duration "120"'],
    ["--rotation-poll-interval=often", '--rotation-poll-interval: time: invalid duration "often"'],
    ["--rotation-poll-interval=", '--rotation-poll-interval: time: invalid duration ""'],
    [
      "--rotation-poll-interval=999ms",
      "--rotation-poll-interval: must be at least 1s: each pass asks the vault for every object of every volume",
    ],
    ["--rotation-poll-interval=597h", "--rotation-poll-interval: must be at most 596h, as long as a timer runs"],
    [
      "--cloud-name=AzureCloud1",
      "--cloud-name: must be AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud or AzureStackCloud",
    ],
    ["--provider-volume=providers", "--provider-volume: must be an absolute path"],
    ["--azure-provider-volume=p", "--azure-provider-volume: must be an absolute path"],
    [
      "--additional-provider-volume-paths=/a,b",
      '--additional-provider-volume-paths: must be absolute paths, and "b" is not',
    ],
    ["--max-call-recv-msg-size=0", "--max-call-recv-msg-size: must be a number of bytes, 1 to 1073741824"],
    ["--max-call-recv-msg-size=4Mi", "--max-call-recv-msg-size: must be a number of bytes, 1 to 1073741824"],
    ["--max-call-recv-msg-size=1073741825", "--max-call-recv-msg-size: must be a number of bytes, 1 to 1073741824"],
    ["--provider-health-check-interval=10ms", "--provider-health-check-interval: must be from 1s to 596h"],
    ["--drivername=a_b", "--drivername: must be a domain name of at most 63 characters"],
    [`--drivername=${"a".repeat(64)}`, "--drivername: must be a domain name of at most 63 characters"],
    ["--endpoint=tcp://x", "--endpoint: invalid endpoint: tcp://x. Write it as unix:///path/to/csi.sock"],
    ["--log-format=x", "--log-format is not a flag of this command, the nearest is --log-format-json"],
  ])("refuse %s", (arg, problem) => {
    expect(parseNodeFlags(["--nodeid=n", arg]).problems).toEqual([problem]);
  });

  test.each([
    `--drivername=${"a".repeat(63)}`,
    `--nodeid=${"n".repeat(63)}`,
    "--pod-overrides=none",
    "--additional-provider-volume-paths=",
    "--max-call-recv-msg-size=1073741824",
    "--provider-health-check-interval=596h",
    "--v=0",
    "--cloud-name=azurechinacloud",
  ])("take %s", (arg) => {
    expect(parseNodeFlags(["--nodeid=n", arg]).problems).toEqual([]);
  });

  test.each([
    ["2m", 120_000],
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1s", 1_000],
    ["596h", 2_145_600_000],
  ])("take %s between rotations", (text, ms) => {
    const { values, problems } = parseNodeFlags(["--nodeid=n", `--rotation-poll-interval=${text}`]);
    expect([problems, values["rotation-poll-interval"]]).toEqual([[], ms]);
  });

  test("tell all problems at once, a missing node name last", () => {
    expect(parseNodeFlags(["--v=x", "--nope"]).problems).toEqual([
      "--v: must be a number from 0 to 10",
      expect.stringContaining("--nope is not a flag of this command"),
      "--nodeid is missing: --nodeid=<name of the node>",
    ]);
  });

  test.each([
    ["--nodeid=", "--nodeid: must name the Kubernetes node"],
    [`--nodeid=${"n".repeat(64)}`, "--nodeid: must have at most 63 characters: it becomes a label of pod statuses"],
    ["--nodeid", "--nodeid needs a value: --nodeid=NAME"],
  ])("tell a bad node name %s once", (arg, problem) => {
    expect(parseNodeFlags([arg]).problems).toEqual([problem]);
  });

  test("take a blank cloud name for the default", () => {
    expect(parseNodeFlags(["--nodeid=n", "--cloud-name="]).values["cloud-name"]).toBe("AzurePublicCloud");
  });

  test("need no node name to tell the version", () => {
    expect(parseNodeFlags(["--version"])).toMatchObject({ problems: [], values: { version: true } });
  });

  test("are all in the help", () => {
    const help = describeFlags(nodeFlags).split("\n");
    expect(help.map((line) => /^ {2}--([-a-z]+)/.exec(line)?.[1])).toEqual(Object.keys(nodeFlags));
  });
});
