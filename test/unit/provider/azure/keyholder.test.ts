import { afterEach, describe, expect, test } from "vitest";
import { DriverError } from "../../../../src/errors.ts";
import { createKeyholder, type Keyholder, type KeyholderOptions } from "../../../../src/provider/azure/keyholder.ts";
import { VaultRefusal } from "../../../../src/provider/azure/vault-refusal.ts";
import type { VaultAddress } from "../../../../src/provider/azure/vault-address.ts";
import type { Vault } from "../../../../src/provider/azure/vault.ts";
import { createKept } from "../../../../src/sharing/kept.ts";
import { credentialMeans } from "../../../fakes/azure-means.ts";
import {
  answerOf,
  refuse,
  startScriptedAzure,
  type AzurePlay,
  type ScriptedAzure,
} from "../../../fakes/vault-script-server.ts";

const never = new AbortController().signal;

let azure: ScriptedAzure | undefined;
afterEach(async () => {
  await azure?.stop();
  azure = undefined;
});

interface Desk {
  readonly azure: ScriptedAzure;
  readonly holder: Keyholder;
  /** At a vault where there is a place at once. */
  readonly ask: <T>(address: VaultAddress, question: (vault: Vault) => Promise<T>, signal?: AbortSignal) => Promise<T>;
  /** As it is done for a pod: the token first, if it can be had. */
  readonly read: (vault?: string) => Promise<string | undefined>;
  /** Lets time pass. */
  readonly pass: (ms: number) => void;
  /** Somebody sets the time of day. */
  readonly jump: (ms: number) => void;
}

async function open(play: AzurePlay = {}): Promise<Desk> {
  const running = await startScriptedAzure(play);
  azure = running;
  let [now, jumpedMs] = [Date.now(), 0];
  const clock = (): Date => new Date(now + jumpedMs);
  const holder = createKeyholder(running.identity(), { ...optionsFor(running, clock), elapsed: () => now });
  const ask: Desk["ask"] = (address, question, signal = never) =>
    holder.ask({ address, question, within: (turn) => turn() }, signal);
  const read = async (vault = "kv1"): Promise<string | undefined> => {
    return ask(running.address(vault), async (client) => (await client.secret("s1", "", never)).value);
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  const jump = (ms: number): void => {
    jumpedMs += ms;
  };
  return { azure: running, holder, ask, read, pass, jump };
}

function optionsFor({ transport }: ScriptedAzure, clock = () => new Date()): KeyholderOptions {
  return { ...credentialMeans(transport, clock), clients: createKept({ unusedMs: 60_000, most: 10 }) };
}

/** A vault that takes tokens from this one on only. */
const takesFrom =
  (number: number, status = 403): NonNullable<AzurePlay["vault"]> =>
  (request) =>
    request.tokenNumber >= number ? answerOf(request) : refuse(status);

describe("one credential", () => {
  test("many questions to many vaults cost one token", async () => {
    const { azure, read } = await open();
    expect(await read()).toBe("kv1/secrets/s1/ for app:secret");
    await Promise.all([read(), read("kv2"), read("kv3"), read()]);
    expect(azure.tokens).toEqual(["app:secret#1"]);
    expect(azure.asked).toHaveLength(5);
  });
  test("a vault is asked by the same client each time", async () => {
    const { azure, ask } = await open();
    const seen: Vault[] = [];
    const visit = (vault: string): Promise<void> =>
      ask(azure.address(vault), (client) => {
        seen.push(client);
        return Promise.resolve();
      });
    for (const vault of ["kv1", "kv2", "kv1"]) await visit(vault);
    expect(new Set(seen).size).toBe(2);
    expect(seen[2]).toBe(seen[0]);
  });
  test("a tenant that cannot be asked is refused at once", async () => {
    const { azure } = await open();
    const identity = { ...azure.identity(), tenantId: "no/tenant" };
    expect(() => createKeyholder(identity, optionsFor(azure))).toThrow("invalid tenantID");
  });
});

describe("in a cloud that we know", () => {
  test("the token is there before the vault is asked, and no request goes without it", async () => {
    const { azure, ask, read } = await open();
    await ask(azure.address("kv1"), () => Promise.resolve());
    expect([azure.tokens, azure.asked]).toEqual([["app:secret#1"], []]);
    await read();
    await Promise.all([read("kv2"), read("kv2"), read("kv1")]);
    expect(azure.challenged).toEqual([]);
    expect(azure.scopes).toEqual(["https://vault.azure.net/.default"]);
  });
  test("a renewed token is fetched before the vault is asked again", async () => {
    const { azure, read } = await open({ vault: takesFrom(2) });
    await read();
    await Promise.all([read(), read("kv2")]);
    expect(azure.tokens).toHaveLength(2);
    expect(azure.challenged).toEqual([]);
  });
  test("a token service that refuses is told before the vault is asked", async () => {
    const { azure, read } = await open({ entra: () => ({ status: 401, body: { error_codes: [7000215] } }) });
    await expect(read()).rejects.toMatchObject({ reason: "PermissionDenied" });
    expect([azure.challenged, azure.asked]).toEqual([[], []]);
  });
  test("who leaves does not wait for the token", async () => {
    const { azure, ask } = await open({ entra: () => "never" });
    const leaver = new AbortController();
    const ready = ask(azure.address("kv1"), () => Promise.resolve(), leaver.signal);
    await expect.poll(() => azure.tokens.length === 1).toBe(true);
    leaver.abort();
    await expect(ready).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("in a cloud of a file", () => {
  const [guessed, learned] = ["https://vault.azure.test/.default", "https://azure.test/.default"];
  /** A cloud whose vaults are another resource than their names say. */
  const unusual: AzurePlay = {
    custom: true,
    resource: "https://azure.test",
    entra: (_, scope) => (scope === guessed ? { status: 400, body: { error_codes: [500011] } } : undefined),
  };

  test("the vaults' suffix is taken for the resource: no request goes without a token", async () => {
    const { azure, read } = await open({ custom: true });
    for (const vault of ["kv1", "kv1", "kv2"]) await read(vault);
    expect([azure.challenged, azure.scopes]).toEqual([[], [guessed]]);
  });
  test("where the token service refuses that, the first request to each vault is challenged, and no other", async () => {
    const { azure, read } = await open(unusual);
    for (const vault of ["kv1", "kv1", "kv2", "kv1", "kv2"]) await read(vault);
    expect(azure.challenged).toEqual(["kv1/secrets/s1/", "kv2/secrets/s1/"]);
    expect(azure.scopes).toEqual([guessed, learned, guessed]);
  });
  test("what was learned is used: a token that runs out is fetched anew before the vault is asked", async () => {
    const { azure, read } = await open({ ...unusual, expiresInSeconds: 60 });
    await read();
    await read();
    expect(azure.scopes.slice(0, 3)).toEqual([guessed, learned, learned]);
    expect(azure.challenged).toEqual(["kv1/secrets/s1/"]);
  });
  test("a refusal that has nothing to do with the resource is told, if the vault's challenge does not help", async () => {
    const { azure, read } = await open({
      custom: true,
      entra: () => ({ status: 401, body: { error_codes: [7000215] } }),
    });
    await expect(read()).rejects.toMatchObject({ reason: "PermissionDenied" });
    expect([azure.challenged.length, azure.asked]).toEqual([1, []]);
  });
});

describe("a vault that refuses the token", () => {
  test.each([401, 403])("by %i is asked once more with a new one", async (status) => {
    const { azure, read } = await open({ vault: takesFrom(2, status) });
    expect(await read()).toBe("kv1/secrets/s1/ for app:secret");
    expect(azure.asked.map(({ tokenNumber }) => tokenNumber)).toEqual([1, 2]);
    await read();
    expect(azure.tokens).toHaveLength(2);
  });
  test("and refuses the new one as well: the refusal is the caller's", async () => {
    const { azure, read } = await open({ vault: takesFrom(3) });
    await expect(read()).rejects.toMatchObject({ reason: "PermissionDenied", status: 403 });
    expect(azure.asked).toHaveLength(2);
  });
  test.each([
    [59_999, 1, 2],
    [60_000, 2, 3],
  ])("again after %i ms is asked %i times, and %i tokens were needed in all", async (ms, times, tokens) => {
    const { azure, read, pass } = await open({ vault: () => refuse(403) });
    await expect(read()).rejects.toMatchObject({ status: 403 });
    const before = azure.asked.length;
    pass(ms);
    await expect(read()).rejects.toMatchObject({ status: 403 });
    expect(azure.asked.length - before).toBe(times);
    expect(azure.tokens).toHaveLength(tokens);
  });
  test("another vault within the minute: the token is new enough for it", async () => {
    const { azure, read, pass } = await open({ vault: () => refuse(403) });
    await expect(read("kv1")).rejects.toMatchObject({ status: 403 });
    pass(1_000);
    await expect(read("kv2")).rejects.toMatchObject({ status: 403 });
    expect(azure.tokens).toHaveLength(2);
  });
  test("again within the minute, when somebody has set the time of day: the token is new enough", async () => {
    const { azure, read, jump } = await open({ vault: () => refuse(403) });
    await expect(read()).rejects.toMatchObject({ status: 403 });
    jump(5 * 60_000);
    await expect(read()).rejects.toMatchObject({ status: 403 });
    expect(azure.tokens).toHaveLength(2);
  });
  test("many times at once: the token is renewed once, and each question asked once more", async () => {
    const { azure, read } = await open({ vault: takesFrom(2) });
    await expect(Promise.all(Array.from({ length: 20 }, () => read()))).resolves.toHaveLength(20);
    expect(azure.tokens).toEqual(["app:secret#1", "app:secret#2"]);
    expect(azure.asked).toHaveLength(40);
  });
});

describe("who asked before the token was renewed", () => {
  test("asks once more with the new one, however late its refusal comes", async () => {
    const { azure, ask, pass } = await open();
    const refusal = Promise.withResolvers<never>();
    const clients: Vault[] = [];
    const slow = ask(azure.address("kv1"), (client) => {
      clients.push(client);
      return clients.length === 1 ? refusal.promise : Promise.resolve("answered");
    });
    let refused = false;
    await ask(azure.address("kv1"), () => {
      if (refused) return Promise.resolve();
      refused = true;
      return Promise.reject(new VaultRefusal("forbidden", 403, undefined));
    });
    pass(30_000);
    refusal.reject(new VaultRefusal("forbidden", 403, undefined));
    expect(await slow).toBe("answered");
    expect(clients[1]).not.toBe(clients[0]);
  });
});

describe("other failures", () => {
  test.each([
    ["a missing object", new VaultRefusal("not found", 404, undefined)],
    ["a 429", new VaultRefusal("too many", 429, 1_000)],
    ["an outage", new VaultRefusal("out of order", 503, undefined)],
    ["a client secret that Entra ID refuses", new DriverError("PermissionDenied", "AADSTS7000215")],
    ["a caller who left", new DriverError("DeadlineExceeded", "left")],
    ["an unknown error", new Error("unknown")],
  ])("%s is the caller's at once, and the token stays", async (_, failure) => {
    const { azure, ask } = await open();
    const clients: Vault[] = [];
    const visit = (): Promise<never> =>
      ask(azure.address("kv1"), (client) => {
        clients.push(client);
        return Promise.reject(failure);
      });
    await expect(visit()).rejects.toBe(failure);
    await expect(visit()).rejects.toBe(failure);
    expect(clients).toHaveLength(2);
    expect(clients[1]).toBe(clients[0]);
  });
});
