import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Freshness } from "../../../../src/ports.ts";
import type { ServicePrincipal } from "../../../../src/provider/azure/identity.ts";
import type { OpenVault, Vault } from "../../../../src/provider/azure/vault.ts";
import { createVaults } from "../../../../src/provider/azure/vaults.ts";
import { createFakeMetrics } from "../../../fakes/ports.ts";
import { vaultMeans } from "../../../fakes/azure-means.ts";
import {
  answerOf,
  refuse,
  startScriptedAzure,
  type AzurePlay,
  type ScriptedAzure,
} from "../../../fakes/vault-script-server.ts";

const never = new AbortController().signal;

let metrics = createFakeMetrics();

let azure: ScriptedAzure | undefined;
beforeEach(() => {
  metrics = createFakeMetrics();
  // Sockets have timers of their own, which go on.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await azure?.stop();
  azure = undefined;
});

interface World {
  readonly azure: ScriptedAzure;
  readonly openVault: OpenVault;
  /** A vault under an identity, for somebody who takes any answer that there is. */
  readonly open: (identity?: ServicePrincipal, freshness?: Partial<Freshness>, vault?: string) => Vault;
  readonly read: (identity?: ServicePrincipal, freshness?: Partial<Freshness>) => Promise<string | undefined>;
}

async function start(play: AzurePlay = {}): Promise<World> {
  const running = await startScriptedAzure(play);
  azure = running;
  const openVault = createVaults({ ...vaultMeans(running.transport), metrics });
  const open: World["open"] = (identity = running.identity(), freshness = {}, vault = "kv1") =>
    openVault(running.address(vault), identity, { notOlderThan: new Date(0), priority: "mount", ...freshness });
  const read: World["read"] = async (...vault) => (await open(...vault).secret("s1", "", never)).value;
  return { azure: running, openVault, open, read };
}

describe("who asks for the same", () => {
  test("fifty times at once is one request", async () => {
    const { azure, read } = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => read()));
    expect(new Set(answers)).toEqual(new Set(["kv1/secrets/s1/ for app:secret"]));
    expect([azure.asked.length, azure.tokens.length]).toEqual([1, 1]);
  });
  test.each([
    [1_999, 1],
    [2_000, 2],
  ])("%i ms after the answer: %i requests, whatever age is allowed", async (ms, count) => {
    const { azure, read } = await start();
    await read();
    vi.advanceTimersByTime(ms);
    await read();
    expect(azure.asked).toHaveLength(count);
  });
  test("and takes nothing that left before now: a request for each", async () => {
    const { azure, read } = await start();
    await read();
    vi.advanceTimersByTime(1);
    await read(undefined, { notOlderThan: new Date(), priority: "rotation" });
    expect(azure.asked).toHaveLength(2);
  });
  test("a failure is told to all who wait and asked for again by the next", async () => {
    let refusals = 0;
    const { azure, read } = await start({ vault: (request) => (++refusals > 1 ? answerOf(request) : refuse(404)) });
    const answers = await Promise.allSettled([read(), read()]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await read()).toBe("kv1/secrets/s1/ for app:secret");
    expect(azure.asked).toHaveLength(2);
  });
});

describe("who asks for something else", () => {
  test.each<[string, (world: World) => Promise<unknown>, string]>([
    ["another name", ({ open }) => open().secret("s2", "", never), "kv1/secrets/s2/"],
    ["another version", ({ open }) => open().secret("s1", "v2", never), "kv1/secrets/s1/v2"],
    ["a key of that name", ({ open }) => open().key("s1", "", never), "kv1/keys/s1/"],
    ["a certificate of that name", ({ open }) => open().certificate("s1", "", never), "kv1/certificates/s1/"],
    ["another vault", ({ open }) => open(undefined, {}, "kv2").secret("s1", "", never), "kv2/secrets/s1/"],
  ])("%s is a request of its own", async (_, ask, object) => {
    const world = await start();
    await Promise.all([world.read(), ask(world)]);
    await ask(world);
    expect(world.azure.asked.map((request) => request.object).toSorted()).toEqual(
      ["kv1/secrets/s1/", object].toSorted(),
    );
    expect(world.azure.tokens).toHaveLength(1);
  });
  test("a slash in a name or a version does not make two objects one", async () => {
    const { azure, open } = await start();
    const [one, other] = await Promise.all([open().secret("a/b", "c", never), open().secret("a", "b/c", never)]);
    expect(azure.asked).toHaveLength(2);
    expect(one.id).not.toBe(other.id);
  });
});

describe("identities", () => {
  test("one without the right gets nothing from one with it, at the same time or right after", async () => {
    const vault: AzurePlay["vault"] = (request) =>
      request.bearer.startsWith("app:") ? answerOf(request) : refuse(403);
    const { azure, read } = await start({ vault });
    const stranger = azure.identity("stranger");
    const [mine, theirs] = await Promise.allSettled([read(), read(stranger)]);
    expect(mine).toMatchObject({ status: "fulfilled", value: "kv1/secrets/s1/ for app:secret" });
    expect(theirs).toMatchObject({ status: "rejected", reason: { reason: "PermissionDenied" } });
    await expect(read(stranger)).rejects.toMatchObject({ reason: "PermissionDenied" });
    expect(azure.asked.filter(({ bearer }) => bearer.startsWith("app:"))).toHaveLength(1);
  });
  test("two with the right ask each for itself", async () => {
    const { azure, read } = await start();
    const answers = await Promise.all([read(), read(azure.identity("other"))]);
    expect(answers).toEqual(["kv1/secrets/s1/ for app:secret", "kv1/secrets/s1/ for other:secret"]);
  });
  test("a changed client secret has to prove itself, though the old one's answer is at hand", async () => {
    const { azure, read } = await start({
      entra: (bearer) => (bearer === "app:wrong" ? { status: 401, body: { error_codes: [7000215] } } : undefined),
    });
    await read();
    await expect(read(azure.identity("app", "wrong"))).rejects.toMatchObject({ reason: "PermissionDenied" });
    expect(await read(azure.identity("app", "new"))).toBe("kv1/secrets/s1/ for app:new");
    expect(azure.tokens).toEqual(["app:secret#1", "app:wrong#1", "app:new#1"]);
  });
  test.each([
    ["tenant", (one: ServicePrincipal) => ({ ...one, tenantId: "fabrikam.onmicrosoft.com" })],
    [
      "authority",
      (one: ServicePrincipal) => ({ ...one, cloud: { ...one.cloud, authorityHost: `${one.cloud.authorityHost}x/` } }),
    ],
    ["suffix", (one: ServicePrincipal) => ({ ...one, cloud: { ...one.cloud, vaultSuffix: "elsewhere.test" } })],
  ])("another %s gets no answer of this one", async (_, change) => {
    const { azure, read } = await start();
    await read();
    await read(change(azure.identity())).catch(() => undefined);
    expect(azure.tokens).toHaveLength(2);
  });
  test.each([
    [599_999, 1],
    [600_000, 2],
  ])("after %i ms without use it has needed %i tokens", async (ms, tokens) => {
    const { azure, read } = await start();
    await read();
    vi.advanceTimersByTime(ms);
    await read();
    expect(azure.tokens).toHaveLength(tokens);
  });
});

describe("a token service that does not answer", () => {
  test("takes no place at the vault: others are served meanwhile, and who waits for it can leave", async () => {
    const { azure, open, read } = await start({ entra: (bearer) => (bearer === "slow:secret" ? "never" : undefined) });
    const leaver = new AbortController();
    const slow = open(azure.identity("slow"), { priority: "mount" });
    const waiting = Array.from({ length: 40 }, (_, index) => slow.secret(`s${index}`, "", leaver.signal));
    const outcomes = Promise.allSettled(waiting);
    await expect.poll(() => azure.tokens.includes("slow:secret#1")).toBe(true);
    expect(await read()).toBe("kv1/secrets/s1/ for app:secret");
    leaver.abort();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "DeadlineExceeded" } });
    expect(azure.asked).toHaveLength(1);
  });
  test("and one that refuses is told to all, without a request to the vault", async () => {
    const { azure, read } = await start({ entra: () => ({ status: 401, body: { error_codes: [7000215] } }) });
    const outcomes = await Promise.allSettled([read(), read()]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "PermissionDenied" } });
    expect([azure.asked, azure.challenged]).toEqual([[], []]);
  });
});

describe("a vault's turn", () => {
  const timedOut = new DOMException("The operation was aborted due to timeout", "TimeoutError");

  test.each<[string, AzurePlay, (azure: ScriptedAzure) => boolean]>([
    ["the request", { vault: () => "never" }, ({ asked }) => asked.length === 1],
    [
      "the request that was challenged",
      {
        custom: true,
        challenge: () => "never",
        // The guessed resource is refused, so the first request goes without a token.
        entra: () => ({ status: 400, body: { error_codes: [500011] } }),
      },
      ({ challenged }) => challenged.length === 1,
    ],
    [
      "the renewed request",
      { vault: ({ tokenNumber }) => (tokenNumber === 1 ? refuse(403) : "never") },
      ({ asked }) => asked.length === 2,
    ],
  ])("ends after the limit, also in %s, as unavailable", async (_, play, isThere) => {
    const limit = new AbortController();
    const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(limit.signal);
    const { azure, read } = await start(play);
    const answer = read();
    answer.catch(() => undefined);
    await expect.poll(() => isThere(azure)).toBe(true);
    limit.abort(timedOut);
    await expect(answer).rejects.toMatchObject({
      reason: "ProviderUnavailable",
      message: "no answer from vault kv1 within 10 s",
    });
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([10_000]));
    timeout.mockRestore();
  });
  test("is over while a token is renewed: who has one is served meanwhile, and the refusal is what is told", async () => {
    const { azure, read } = await start({
      vault: (request) => (request.bearer.startsWith("denied") ? refuse(403) : answerOf(request)),
      entra: renewalHangs("denied:secret"),
    });
    const denied = Array.from({ length: 20 }, (_, index) => read(azure.identity("denied", `secret ${index}`)));
    const outcomes = Promise.allSettled(denied);
    await expect.poll(() => azure.tokens.length === 40).toBe(true);
    expect(await read()).toBe("kv1/secrets/s1/ for app:secret");
    await azure.stop();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { status: 403 } });
  });
});

/** Entra ID that gives one token only to each of these. */
function renewalHangs(whose: string): NonNullable<AzurePlay["entra"]> {
  const issued = new Set<string>();
  return (bearer) => {
    if (!bearer.startsWith(whose) || !issued.has(bearer)) return void issued.add(bearer);
    return "never";
  };
}

describe("a vault that limits requests", () => {
  test("limits all identities, other vaults not, and sends again by itself", async () => {
    let refusals = 0;
    const { azure, open, read } = await start({
      vault: (request) =>
        request.object.startsWith("kv1") && refusals++ === 0 ? refuse(429, { "retry-after": "30" }) : answerOf(request),
    });
    const throttled = read();
    await expect.poll(() => azure.asked.length === 1).toBe(true);
    await settleSockets(open);
    const hurried = read(azure.identity("other"), { deadline: new Date(Date.now() + 10_000) });
    await expect(hurried).rejects.toMatchObject({ reason: "Throttled" });
    expect(azure.asked.filter(({ object }) => object.startsWith("kv1"))).toHaveLength(1);
    vi.advanceTimersByTime(30_000);
    expect(await throttled).toBe("kv1/secrets/s1/ for app:secret");
  });
});

/** A whole exchange with another vault: by then the one before has been answered as well. */
async function settleSockets(open: World["open"]): Promise<void> {
  for (const name of ["a", "b", "c"]) await open(undefined, {}, "kv2").secret(name, "", never);
}

/** Two applications whose client secrets change, at Entra ID and in the Secrets of their users, not at the same time. */
interface Read {
  readonly does: "read";
  readonly app: string;
  readonly secret: string;
  readonly name: string;
  readonly oldMs: number;
}
interface Change {
  readonly does: "rotate" | "grant" | "revoke";
  readonly app: string;
}
type IdentityStep = Read | Change | { readonly does: "pass"; readonly ms: number };

const app = fc.constantFrom("app", "bpp");
const identitySteps: fc.Arbitrary<readonly IdentityStep[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        does: fc.constant("read" as const),
        app,
        secret: fc.constantFrom("0", "0", "1", "1", "2"),
        name: fc.constantFrom("s1", "s1", "s2"),
        oldMs: fc.constantFrom(0, 2_000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constantFrom("rotate" as const, "grant" as const, "revoke" as const), app }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant("pass" as const), ms: fc.constantFrom(1, 1_999, 60_000, 600_000) }),
    },
  ),
  { maxLength: 20 },
);

/** Who may what, now and ever. */
interface Rights {
  readonly valid: Map<string, number>;
  /** `<app>:<secret>` that Entra ID accepted at some time. */
  readonly proven: Set<string>;
  /** Applications that the vault admitted at some time. */
  readonly admitted: Set<string>;
  readonly allowed: Set<string>;
}

function createRights(): Rights {
  return {
    valid: new Map([
      ["app", 0],
      ["bpp", 0],
    ]),
    proven: new Set(["app:0", "bpp:0"]),
    admitted: new Set(["app"]),
    allowed: new Set(["app"]),
  };
}

function change({ valid, proven, admitted, allowed }: Rights, { does, app }: Change): void {
  if (does === "rotate") {
    const next = (valid.get(app) ?? 0) + 1;
    valid.set(app, next);
    proven.add(`${app}:${next}`);
  } else if (does === "grant") {
    allowed.add(app);
    admitted.add(app);
  } else allowed.delete(app);
}

test("however secrets and rights change: an answer goes to none but the identity that proved its right to it", async () => {
  let rights = createRights();
  const azure = await startScriptedAzure({
    vault: (request) => (rights.allowed.has(request.bearer.slice(0, 3)) ? answerOf(request) : refuse(403)),
    entra: (bearer) => {
      const [app = "", secret] = bearer.split(":");
      return String(rights.valid.get(app)) === secret ? undefined : { status: 401, body: { error_codes: [7000215] } };
    },
  });
  const property = fc.asyncProperty(identitySteps, async (story) => {
    rights = createRights();
    const openVault = createVaults({ ...vaultMeans(azure.transport), metrics });
    const reads: { readonly read: Read; readonly answer: Promise<string | undefined> }[] = [];
    const start = (read: Read): void => {
      const freshness = { notOlderThan: new Date(Date.now() - read.oldMs), priority: "mount" } as const;
      const vault = openVault(azure.address("kv1"), azure.identity(read.app, read.secret), freshness);
      const answer = vault.secret(read.name, "", never).then(({ value }) => value);
      answer.catch(() => undefined);
      reads.push({ read, answer });
    };
    /** By then each of them has its answer, or none for want of a right. */
    const finish = async (): Promise<void> => {
      for (const { read, answer } of reads.splice(0)) {
        const { app, secret, name } = read;
        const [outcome] = await Promise.allSettled([answer]);
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ reason: "PermissionDenied" });
        else {
          expect(outcome.value).toBe(`kv1/secrets/${name}/ for ${app}:${secret}`);
          expect([rights.proven, rights.admitted]).toEqual([
            new Set([...rights.proven, `${app}:${secret}`]),
            new Set([...rights.admitted, app]),
          ]);
        }
      }
    };
    for (const step of story) {
      if (step.does === "read") start(step);
      else {
        await finish();
        if (step.does === "pass") vi.advanceTimersByTime(step.ms);
        else change(rights, step);
      }
    }
    await finish();
  });
  try {
    await fc.assert(property, { numRuns: 60 });
  } finally {
    await azure.stop();
  }
});

describe("lists of versions", () => {
  test("are shared like objects, one request for many, and apart by collection and name", async () => {
    const vault: AzurePlay["vault"] = ({ object }) => ({ status: 200, body: { value: [{ id: object }] } });
    const { azure, open } = await start({ vault });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => open().versions(n % 2 ? "secrets" : "keys", "s1", never)),
    );
    expect(new Set(answers.flat().map(({ id }) => id))).toEqual(
      new Set(["kv1/secrets/s1/versions", "kv1/keys/s1/versions"]),
    );
    expect(azure.asked).toHaveLength(2);
  });
});
