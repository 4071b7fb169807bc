import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bringUpToDate } from "../../src/commands/crds.ts";
import { liftStartupTaint } from "../../src/commands/node-taint.ts";
import { parsePublishRequest } from "../../src/csi/publish-request.ts";
import { DriverError } from "../../src/errors.ts";
import { failure } from "../../src/files/failure.ts";
import { listen } from "../../src/grpc/server.ts";
import { toStatus } from "../../src/grpc/status.ts";
import { serveHttp } from "../../src/health/http.ts";
import type { ApiAnswer } from "../../src/kube/api.ts";
import { createClasses } from "../../src/kube/classes.ts";
import { createCrds, type Crds } from "../../src/kube/crds.ts";
import { createSecrets } from "../../src/kube/secrets.ts";
import type { LiveSecret, SecretObject } from "../../src/model.ts";
import { createMounter } from "../../src/mount/mounter.ts";
import type { Secrets } from "../../src/ports.ts";
import { register } from "../../src/registration/registration.ts";
import { createKeyedLock } from "../../src/sync/keyed-lock.ts";
import {
  credentialsDropped,
  recovered,
  refreshFailed,
  rotated,
  secretEvent,
  unreported,
} from "../../src/volume/pod-events.ts";
import { createFakeCluster } from "../fakes/cluster.ts";
import { createFakeKernel, type Answers } from "../fakes/kernel.ts";
import { createFakeLog } from "../fakes/log.ts";
import { codesIn, readPage } from "../fakes/markdown-page.ts";
import { aContext, aPublishMessage } from "../fakes/messages.ts";
import { createPluginWatcher } from "../fakes/plugin-watcher.ts";
import { createFakeSchedule } from "../fakes/schedule.ts";
import { db, put, reset, sync } from "../fakes/secret-sync.ts";
import { patternOf } from "../fakes/source-texts.ts";
import { ofHelm, ofKubelet, ofProgram, pageTables } from "../fakes/troubleshooting-page.ts";
import { anyAge, aVolume, noSignal } from "../fakes/volumes.ts";

/** Makes the program say something; gives what it said or threw. */
type Saying = () => unknown;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "troubles-"));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(reset);

const clock = (): Date => new Date();
const missing: ApiAnswer = { status: 404, body: undefined };

const readClass =
  (answer: ApiAnswer | Error): Saying =>
  () =>
    createClasses(createFakeCluster(answer), clock).read({ namespace: "shop", name: "vault" }, anyAge, noSignal);
const publish =
  (changes: Parameters<typeof aPublishMessage>[0]): Saying =>
  () =>
    parsePublishRequest(aPublishMessage(changes), "all");
const mount =
  (answers: Answers): Saying =>
  () => {
    const capacity = { contentBytes: 1, files: 1 };
    const mounter = createMounter({ kernel: createFakeKernel(answers), capacity, noswap: false });
    return mounter.mountTmpfs(join(dir, "mount"));
  };

/** What is told of a Secret, where one stands already or the class asks for something else. */
const mirror =
  (there: Partial<LiveSecret> | undefined, ...objects: readonly SecretObject[]): Saying =>
  async () => {
    if (there !== undefined) put(there);
    const outcomes = await sync(objects.length > 0 ? { objects } : {});
    return outcomes.map(({ error }) => error?.message).join();
  };
const asked = (change: Partial<SecretObject>): SecretObject => ({ ...db, ...change });
const api = (status: number): Secrets => createSecrets(createFakeCluster({ status, body: {} }));
const manifest = { apiVersion: "v1", kind: "K", metadata: { name: "c" } };
const crd =
  (status: number): Saying =>
  () => {
    const answers = [missing, { status, body: {} }];
    const call = (): Promise<ApiAnswer> => Promise.resolve(answers.shift() ?? missing);
    const crds = createCrds({ api: { call }, metrics: { kubernetesRequest: () => undefined } });
    return crds.apply(manifest, false, noSignal);
  };

async function crdThatIsNeverServed(): Promise<void> {
  const crds: Crds = { apply: () => Promise.resolve("changed"), isEstablished: () => Promise.resolve(false) };
  const how = { dryRun: false, signal: AbortSignal.timeout(20) };
  for await (const line of bringUpToDate(crds, [manifest], how)) expect(line).toContain("changed");
}

async function withListener(work: (port: number) => Promise<unknown>): Promise<unknown> {
  const server = await serveHttp({ host: "127.0.0.1", port: 0 }, {});
  return work(server.port).finally(() => server.stop());
}

async function refusedByKubelet(): Promise<string> {
  const options = { driverName: "d", csiSocketPath: join(dir, "csi.sock"), dir };
  const registration = await register(options, createFakeSchedule(), createFakeLog());
  await createPluginWatcher().refuse(join(dir, "d-reg.sock"), "kubelet's words");
  return registration.ended.finally(() => registration.stop());
}

async function taintThatStays(): Promise<string> {
  const [schedule, log] = [createFakeSchedule(), createFakeLog()];
  const node = { name: "node-1", taint: "example.com/wait", isReady: () => true };
  const removeTaint = () => Promise.reject(new DriverError("PermissionDenied", "why"));
  liftStartupTaint(node, { removeTaint }, schedule, log);
  await schedule.run();
  return log.lines.join("\n");
}

async function secondServer(): Promise<unknown> {
  const path = join(dir, "csi.sock");
  const first = await listen([], path);
  return listen([], path).finally(() => first.stop(0));
}

const trouble = new DriverError("ProviderUnavailable", "why");
const [EPERM, linkMode] = [1, 0o120777];

/** By the text of the page; what azure.md has too is made to be said by its own test. */
const sayings: Readonly<Record<string, Saying>> = {
  "volume_context secretProviderClass must be letters, digits, '-' and '.'": publish({
    volumeContext: aContext({ secretProviderClass: "other/vault" }),
  }),
  "the Kubernetes API cannot be reached (<code>)": readClass(Object.assign(new Error(), { code: "ECONNREFUSED" })),
  "another operation on <target> is still at work; it will be tried again": async () => {
    const lock = createKeyedLock();
    const release = Promise.withResolvers<undefined>();
    const first = lock.hold("/t", noSignal, () => release.promise);
    const second = await lock.hold("/t", AbortSignal.timeout(1), () => Promise.resolve("held")).catch(String);
    release.resolve(undefined);
    await first;
    return second;
  },
  "the target <target> is a symbolic link and not a directory; remove it": mount({
    looks: [{ mode: linkMode, isMountRoot: false }],
  }),
  "failed to mount tmpfs on <target>: <errno>": mount({ mount: EPERM }),
  "the plugin must run privileged": mount({ mount: EPERM }),
  "ENOSPC (no space left on device)": () =>
    failure("write", "v", Object.assign(new Error(), { code: "ENOSPC", errno: -28, syscall: "write" })),
  "internal error": () => toStatus(new Error("anything"), noSignal).details,
  "mounted content of SecretProviderClass <class> was rotated: ": () => rotated(aVolume, [], []),
  "mounted content of SecretProviderClass <class> is up to date again": () => recovered(aVolume),
  "; the mounted content stays as it is": () => refreshFailed(trouble),
  "the refresh did not end within one rotation interval": () =>
    refreshFailed(new DriverError("DeadlineExceeded", "late")),
  "is not refreshed any more: kubelet handed over no credentials for 15 minutes": () => credentialsDropped(aVolume),
  "failed to create secret provider class pod status for pod <pod>, will try again": () => unreported(aVolume, trouble),
  "Secret <secret> is there already and not managed by this driver": mirror({ labels: {} }),
  'Secret <secret> mirrors SecretProviderClass "<class>"': mirror({
    annotations: { "secrets-store.csi.k8s.io/secret-provider-class": "other" },
  }),
  'has type "<type>" and is to have type "<type>"': mirror({ type: "kubernetes.io/tls" }),
  "is immutable and its values are out of date": mirror({ immutable: true }),
  "file matching objectName <name> not found in the pod": mirror(
    undefined,
    asked({ data: [{ objectName: "nothing", key: "k" }] }),
  ),
  "secretName is used twice": mirror(undefined, db, db),
  "type <type> needs key <key>: add it to data": mirror(undefined, asked({ type: "kubernetes.io/basic-auth" })),
  "type <type> gives rights in the cluster and is refused": mirror(
    undefined,
    asked({ type: "kubernetes.io/service-account-token" }),
  ),
  'the driver\'s service account may not get it in namespace "<namespace>"': () =>
    api(403).read({ namespace: "shop", name: "db" }, noSignal),
  'the Kubernetes API refuses secrets "<name>" (HTTP 422)': () =>
    api(422).create(
      { ref: { namespace: "shop", name: "db" }, type: "Opaque", labels: {}, annotations: {}, data: {}, owners: [] },
      noSignal,
    ),
  "secret <name> follows the rotated content": () => secretEvent({ secretName: "db", outcome: "patched" }, "rotation"),
  "secret <name> was altered and is restored": () => secretEvent({ secretName: "db", outcome: "patched" }, "repair"),
  "secret <name> was missing and is created": () => secretEvent({ secretName: "db", outcome: "created" }, "repair"),
  "cannot listen on <address>: something on this node listens there: choose another": () =>
    withListener((port) => serveHttp({ host: "127.0.0.1", port }, {})),
  "another process serves <socket>: stop that one first": secondServer,
  "there is no directory <dir>: set --registration-dir to plugins_registry below kubelet's root": () =>
    register({ driverName: "d", csiSocketPath: "/s", dir: "/nowhere" }, createFakeSchedule(), createFakeLog()),
  "kubelet refused to register the plugin: <error>": refusedByKubelet,
  "it does not know the driver's token; if that lasts, restart the driver's pod": readClass({
    status: 401,
    body: undefined,
  }),
  "the startup taint <taint> stays for now": taintThatStays,
  "may not be written (HTTP 403": crd(403),
  "of this version cannot take the place of the cluster's (HTTP 422)": crd(422),
  "is not served yet: see kubectl describe crd": crdThatIsNeverServed,
};

const azure = readPage(readFileSync("docs/azure.md", "utf8"))
  .tables.filter(({ columns }) => columns[0] === "text")
  .flatMap(({ rows }) => rows.flatMap(([text]) => codesIn(text)));

async function said(saying: Saying): Promise<string> {
  try {
    const result = await saying();
    if (result instanceof Error) return result.message;
    return typeof result === "string" ? result : JSON.stringify(result);
  } catch (error) {
    return (error as Error).message;
  }
}

test("each text of docs/troubleshooting.md is held by somebody, and nobody holds what it does not have", () => {
  const own = ofProgram.filter((text) => !azure.includes(text));
  expect(own.toSorted()).toEqual(Object.keys(sayings).toSorted());
  expect(ofKubelet.length * ofHelm.length).toBeGreaterThan(0);
});

test.each(Object.entries(sayings))("the program says: %s", async (text, saying) => {
  expect(await said(saying)).toMatch(patternOf(text));
});

test.each(pageTables.flatMap(({ rows }) => rows.map((row) => [row[0], row] as const)))(
  "%s has a cause and a remedy",
  (_text, row) => {
    expect(row.filter((cell) => cell === "")).toEqual([]);
  },
);
