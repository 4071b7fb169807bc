import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../src/errors.ts";
import type { KubernetesObject } from "../../../src/release-model.ts";
import { account, createReconciled, daemonSet, role, SEEN, SETTLED, type Reconciled } from "../../fakes/reconciled.ts";

const all = [account, role, daemonSet];
const marks = { "meta.helm.sh/release-name": "demo" };
let it: Reconciled;

beforeEach(async () => {
  it = createReconciled();
  it.upgrade(all);
  await it.pass(SETTLED);
  it.objects.writes.length = 0;
  it.counted.length = 0;
});

function withSpec(object: KubernetesObject, spec: object): KubernetesObject {
  return { ...it.objects.get(object), spec: { ...(object["spec"] as object), ...spec } };
}

describe("an object of the release", () => {
  test("that is as it should be is never written", async () => {
    await it.pass(600);
    expect(it.objects.writes).toEqual([]);
    expect(it.held()).toBe(3);
  });

  test("whose field was changed is back within seconds, and then left", async () => {
    it.objects.put({ ...it.objects.get(role), rules: [] });
    await it.pass(SEEN);
    expect(it.objects.get(role)["rules"]).toEqual(role["rules"]);
    expect(it.counted).toEqual(["changed ClusterRole plugin-role"]);
    expect(it.events).toEqual([
      { type: "Normal", reason: "Restored", message: "ClusterRole plugin-role had been changed, and is back: rules" },
    ]);
    it.objects.writes.length = 0;
    await it.pass(600);
    expect(it.objects.writes).toEqual([]);
  });

  test("that got a field which the chart does not know loses it", async () => {
    it.objects.put(withSpec(daemonSet, { minReadySeconds: 600 }));
    await it.pass(SEEN);
    expect(it.objects.get(daemonSet)["spec"]).toEqual(daemonSet["spec"]);
    expect(it.objects.writes).toEqual(["apply DaemonSet plugin", "replace DaemonSet plugin"]);
    expect(it.events[0]?.message).toContain("and is back: spec.minReadySeconds");
  });

  test("that lost a label gets it back, and keeps those of others", async () => {
    it.objects.put({ ...it.objects.get(role), metadata: { name: "plugin-role", labels: { team: "blue" } } });
    await it.pass(SEEN);
    expect(it.objects.get(role).metadata.labels).toEqual({ app: "plugin", team: "blue" });
  });

  test("that was deleted is made again, as Helm would know it again", async () => {
    it.objects.remove(role);
    await it.pass(SEEN);
    expect(it.objects.get(role)).toMatchObject({ ...role, metadata: { ...role.metadata, annotations: marks } });
    expect(it.counted).toEqual(["created ClusterRole plugin-role"]);
  });

  test("that differs where nobody may change it is deleted and made again", async () => {
    it.objects.immutable = (wanted, live) => JSON.stringify(wanted["rules"]) !== JSON.stringify(live["rules"]);
    it.objects.put({ ...it.objects.get(role), rules: [] });
    await it.pass(SEEN);
    expect(it.objects.writes).toEqual(["delete ClusterRole plugin-role", "apply ClusterRole plugin-role"]);
    expect(it.objects.get(role)["rules"]).toEqual(role["rules"]);
  });

  test("that is being deleted is left until it is gone", async () => {
    const { metadata, ...rest } = it.objects.get(role);
    it.objects.put({
      ...rest,
      metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    });
    await it.pass(100);
    expect(it.objects.writes).toEqual([]);
    it.objects.remove(role);
    await it.pass(SEEN);
    expect(it.counted).toEqual(["created ClusterRole plugin-role"]);
  });

  test("is looked at every minute, heard of or not", async () => {
    const follow = it.objects.get(role);
    it.objects.follow(role, () => undefined);
    it.objects.put({ ...follow, rules: [] });
    await it.pass(62);
    expect(it.objects.get(role)["rules"]).toEqual(role["rules"]);
  });

  test("with what a webhook adds to every write is as it should be", async () => {
    it.objects.admission = (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, stamped: String(Math.random()) } },
      injected: true,
    });
    it.objects.put(it.objects.admission(it.objects.get(role)));
    it.objects.put(it.objects.admission(it.objects.get(daemonSet)));
    it.objects.put(it.objects.admission(it.objects.get(account)));
    await it.pass(200);
    expect(it.objects.writes).toEqual([]);
  });

  test("that somebody fights over is restored less and less often, and never later than in a minute", async () => {
    for (let second = 0; second < 300; second++) {
      const { rules } = it.objects.get(role) as { rules?: unknown[] };
      if (rules?.length !== 0) it.objects.put({ ...it.objects.get(role), rules: [] });
      await it.pass(1);
    }
    expect(it.counted.length).toBeGreaterThan(8);
    expect(it.counted.length).toBeLessThan(20);
  });

  test("that cannot be restored is told once, tried again, and told when it is back", async () => {
    it.objects.refuses = new DriverError("PermissionDenied", "no");
    it.objects.remove(role);
    await it.pass(60);
    expect(it.counted.length).toBeGreaterThan(3);
    expect(it.events).toEqual([
      { type: "Warning", reason: "RestoreFailed", message: "ClusterRole plugin-role could not be restored: no" },
    ]);
    it.objects.refuses = undefined;
    await it.pass(11);
    expect(it.events.at(-1)?.reason).toBe("Restored");
  });

  test("that others write at the same moment is looked at again, and nobody is told", async () => {
    it.objects.refuses = new DriverError("Busy", "changed");
    it.objects.put({ ...it.objects.get(role), rules: [] });
    await it.pass(SEEN);
    expect(it.events).toEqual([]);
    it.objects.refuses = undefined;
    await it.pass(6);
    expect(it.counted).toEqual(["changed ClusterRole plugin-role"]);
  });

  test("comes back whatever was done to it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 5 }), async (mutations) => {
        for (const mutate of mutations) mutate(it);
        await it.pass(60);
        expect(it.objects.get(role)["rules"]).toEqual(role["rules"]);
        expect(it.objects.get(daemonSet)["spec"]).toEqual(withRestart(daemonSet, it.objects.get(daemonSet))["spec"]);
        it.objects.writes.length = 0;
        await it.pass(120);
        expect(it.objects.writes).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

/** Something that a person might do to an object of the release. */
const mutation = fc
  .tuple(fc.constantFrom(...all), fc.constantFrom("delete", "empty", "add", "unlabel"))
  .map(([object, what]) => (reconciled: Reconciled) => {
    const { objects } = reconciled;
    try {
      const { apiVersion, kind, metadata } = objects.get(object);
      if (what === "delete") objects.remove(object);
      else if (what === "empty") objects.put({ apiVersion, kind, metadata });
      else if (what === "add") objects.put({ ...objects.get(object), added: { by: "somebody" } });
      else objects.put({ ...objects.get(object), metadata: { ...objects.get(object).metadata, labels: {} } });
    } catch {
      // Deleted by the mutation before.
    }
  });

interface WithTemplate {
  readonly spec: { readonly template: { readonly metadata: { readonly annotations?: object } } };
}

function withRestart(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const { annotations } = (live as unknown as WithTemplate).spec.template.metadata;
  if (annotations === undefined) return desired;
  const { spec } = structuredClone(desired) as unknown as { spec: { template: { metadata: object } } };
  Object.assign(spec.template.metadata, { annotations });
  return { ...desired, spec };
}

describe("a service account that was made again", () => {
  const restartedAt = (): unknown =>
    (it.objects.get(daemonSet) as unknown as { spec: { template: { metadata: { annotations?: object } } } }).spec
      .template.metadata.annotations;

  test("has the pods that hold tokens of the old one restarted, once", async () => {
    it.objects.remove(account);
    await it.pass(SEEN);
    expect(restartedAt()).toEqual({
      "kubectl.kubernetes.io/restartedAt": expect.stringMatching(/^2026-01-01T/) as string,
    });
    await it.pass(300);
    expect(it.objects.writes).toEqual(["apply ServiceAccount plugin", "merge DaemonSet plugin"]);
  });

  test("has that done later where it could not be done", async () => {
    it.objects.remove(account);
    it.objects.beforeWrite = () => {
      it.objects.refuses = it.objects.writes.length > 0 ? new DriverError("KubernetesUnavailable", "away") : undefined;
    };
    await it.pass(SEEN);
    expect(restartedAt()).toBeUndefined();
    it.objects.beforeWrite = () => undefined;
    it.objects.refuses = undefined;
    await it.pass(60);
    expect(restartedAt()).toBeDefined();
  });

  test("restarts nothing where only a label had been changed", async () => {
    it.objects.put({
      ...it.objects.get(account),
      metadata: { name: "plugin", namespace: "kube-system", annotations: {} },
    });
    await it.pass(SEEN);
    expect(it.objects.writes).toEqual(["apply ServiceAccount plugin"]);
  });
});

describe("while Helm works", () => {
  const changed = { ...role, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }] };
  const upgraded = [account, changed, daemonSet];

  test.each([
    [
      "its Deployment is gone",
      () => {
        it.objects.remove(it.deployment);
      },
      "is not there",
    ],
    [
      "the Secret is gone",
      () => {
        it.objects.remove(it.secret);
      },
      "is not there",
    ],
    [
      "its Deployment is going",
      () => {
        ending(it.deployment);
      },
      "is being deleted",
    ],
    [
      "the Secret is going",
      () => {
        ending(it.secret);
      },
      "is being deleted",
    ],
    [
      "only the Secret was written",
      () => {
        it.upgrade(upgraded, { onlySecret: true });
      },
      "only one of Secret",
    ],
    [
      "somebody wrote other manifests into the Secret",
      () => {
        const data = { "manifests.yaml": Buffer.from(JSON.stringify(changed)).toString("base64") };
        it.objects.put({ ...it.objects.get(it.secret), data });
      },
      "is not as Helm wrote it",
    ],
  ])("nothing is written: %s", async (_, work, why) => {
    work();
    it.objects.remove(role);
    it.objects.put(withSpec(daemonSet, { minReadySeconds: 600 }));
    await it.pass(300);
    expect(it.objects.writes).toEqual([]);
    expect(it.held()).toBe(0);
    expect(it.log.lines.filter((line) => line.startsWith("WARN Nothing is restored"))).toEqual([
      expect.stringContaining(why),
    ]);
  });

  function ending(object: KubernetesObject): void {
    const { metadata, ...rest } = it.objects.get(object);
    it.objects.put({
      ...rest,
      metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    });
  }

  test("a service account that it writes a moment before the Secret is left", async () => {
    const labelled = { ...account, metadata: { ...account.metadata, labels: { version: "2" } } };
    it.helm(labelled);
    await it.pass(1);
    it.upgrade([labelled, role, daemonSet]);
    await it.pass(300);
    expect(it.objects.writes).toEqual([]);
  });

  test("what it writes last, after the Deployment, is left", async () => {
    it.upgrade([account, changed, daemonSet]);
    it.helm(role);
    await it.pass(5);
    it.helm(changed);
    await it.pass(300);
    expect(it.objects.writes).toEqual([]);
  });

  test("what it has brought about is held from then on, and what it took away is not", async () => {
    it.upgrade([account, changed]);
    it.objects.remove(daemonSet);
    await it.pass(SETTLED);
    expect(it.held()).toBe(2);
    it.objects.put(role);
    await it.pass(SEEN);
    expect(it.objects.get(role)["rules"]).toEqual(changed.rules);
    await it.pass(120);
    expect(it.objects.writes).toEqual(["apply ClusterRole plugin-role"]);
  });

  test("a write that was about to be made is not, if it began meanwhile", async () => {
    it.objects.put({ ...it.objects.get(role), rules: [] });
    const { read } = it.objects;
    it.objects.read = (object, signal) => {
      if (object.kind === "ClusterRole") it.objects.remove(it.deployment);
      return read(object, signal);
    };
    await it.pass(SEEN);
    expect(it.objects.writes).toEqual([]);
    expect(it.counted).toEqual([]);
  });
});

test("a release that cannot be read is tried again and told once, and nothing is written", async () => {
  const { read } = it.objects;
  it.objects.read = () => Promise.reject(new DriverError("KubernetesUnavailable", "away"));
  it.objects.remove(role);
  await it.pass(30);
  expect(it.objects.writes).toEqual([]);
  expect(it.log.lines.filter((line) => line.includes("the release cannot be read: away"))).toHaveLength(1);
  expect(it.held()).toBe(0);
  it.objects.read = read;
  await it.pass(SEEN + 2);
  expect(it.counted).toEqual(["created ClusterRole plugin-role"]);
});
