import { once } from "node:events";
import { beforeEach, describe, expect, test } from "vitest";
import { DriverError, type Reason } from "../../../src/errors.ts";
import type { SecretProviderClass } from "../../../src/model.ts";
import { currentClass } from "../../../src/volume/secret-class.ts";
import { aTarget } from "../../fakes/messages.ts";
import { aKnownVolume, anyAge, createCoreWorld, noSignal, type CoreWorld } from "../../fakes/volumes.ts";

const asLast: SecretProviderClass = {
  ref: { namespace: "shop", name: "vault" },
  provider: "azure",
  parameters: { keyvaultName: "as last" },
  secretObjects: [],
};
const refusal = new DriverError("PermissionDenied", "forbidden");

let world: CoreWorld;

beforeEach(() => {
  world = createCoreWorld();
  world.ports.volumes.remember(aKnownVolume({ secretProviderClass: asLast }));
});

/** What a refresh goes on with: a class, or the reason of a failure. */
async function used(classWithinMs?: number): Promise<"as last" | "as it is now" | Reason> {
  const known = world.ports.volumes.get(aTarget) ?? aKnownVolume();
  const asking = { freshness: anyAge, signal: noSignal, ...(classWithinMs !== undefined && { classWithinMs }) };
  return currentClass(known, world.ports, asking).then(
    ({ parameters }) => (parameters["keyvaultName"] === "as last" ? "as last" : "as it is now"),
    (error: unknown) => (error as DriverError).reason,
  );
}

function later(seconds: number): void {
  world.now = new Date(world.now.getTime() + seconds * 1_000);
}

test.each<[Reason, string]>([
  ["KubernetesUnavailable", "as last"],
  ["SecretProviderClassNotFound", "SecretProviderClassNotFound"],
  ["InvalidRequest", "InvalidRequest"],
  ["DeadlineExceeded", "DeadlineExceeded"],
])("a read that fails by %s: %s", async (reason, told) => {
  world.classes.failure = new DriverError(reason, "why");
  expect(await used()).toBe(told);
});

test("a class that nobody has read yet cannot be used as it was last", async () => {
  world.ports.volumes.change(aKnownVolume().volume, { secretProviderClass: undefined });
  world.classes.failure = new DriverError("KubernetesUnavailable", "away");
  expect(await used()).toBe("KubernetesUnavailable");
});

describe("a refusal", () => {
  test("counts when it has lasted for a minute", async () => {
    world.classes.failure = refusal;
    expect(await used()).toBe("as last");
    later(59);
    expect(await used()).toBe("as last");
    later(1);
    expect(await used()).toBe("PermissionDenied");
    later(3_600);
    expect(await used()).toBe("PermissionDenied");
  });

  test("that passed says nothing of the next one", async () => {
    world.classes.failure = refusal;
    expect(await used()).toBe("as last");
    world.classes.failure = undefined;
    later(120);
    expect(await used()).toBe("as it is now");
    world.classes.failure = refusal;
    expect(await used()).toBe("as last");
  });
});

describe("an API server that does not answer", () => {
  beforeEach(() => {
    world.classes.read = async (_ref, _freshness, signal) => {
      await once(signal, "abort");
      throw new DriverError("DeadlineExceeded", "the caller's deadline ended");
    };
  });

  test("holds up a refresh no longer than the class may take", async () => {
    expect(await used(1)).toBe("as last");
  });

  test("is told as such where the class is not known", async () => {
    world.ports.volumes.change(aKnownVolume().volume, { secretProviderClass: undefined });
    expect(await used(1)).toBe("KubernetesUnavailable");
  });
});
