import type { AccessToken, GetTokenOptions } from "@azure/identity";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DriverError, type Reason } from "../../../../src/errors.ts";
import type { PipelinePolicy } from "../../../../src/provider/azure/policy.ts";
import { customCloud } from "../../../fakes/azure-means.ts";
import { bearer, createVaultToken, type VaultToken } from "../../../../src/provider/azure/vault-token.ts";

const MINUTE = 60_000;
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Desk {
  readonly token: VaultToken;
  /** Scopes that a token was asked for. */
  readonly scopes: (string | string[])[];
  readonly signals: unknown[];
}

type Issue = (number: number) => AccessToken | null;
const forAnHour: Issue = (number) => ({ token: `token ${number}`, expiresOnTimestamp: Date.now() + 60 * MINUTE });

function open(url = "https://kv1.vault.azure.net/", custom = false, issue = forAnHour): Desk {
  const scopes: (string | string[])[] = [];
  const signals: unknown[] = [];
  const credential = {
    getToken: (asked: string | string[], options?: GetTokenOptions) => {
      signals.push(options?.abortSignal);
      return new Promise<AccessToken | null>((resolve) => {
        resolve(issue(scopes.push(asked)));
      });
    },
  };
  const cloud = { ...customCloud("https://login.azure.test/", "unused"), custom };
  const identity = { kind: "servicePrincipal" as const, tenantId: "t1", clientId: "c1", clientSecret: "s1", cloud };
  return { token: createVaultToken({ name: "kv1", url }, identity, credential), scopes, signals };
}

describe("the token before the vault is asked", () => {
  test.each([
    ["https://kv1.vault.azure.net/", "https://vault.azure.net/.default"],
    ["https://KV1.vault.azure.net/", "https://vault.azure.net/.default"],
    ["https://kv1.vault.azure.cn/", "https://vault.azure.cn/.default"],
    ["https://kv1.vault.usgovcloudapi.net/", "https://vault.usgovcloudapi.net/.default"],
    ["https://kv1.vault.microsoftazure.de/", "https://vault.microsoftazure.de/.default"],
  ])("for %s in a cloud that we know it is one for %s", async (url, scope) => {
    const { token, scopes } = open(url);
    expect(token.current()).toBeUndefined();
    await token.ready(never);
    expect([token.current(), scopes]).toEqual(["token 1", [scope]]);
  });
  test("in a cloud of a file it is one for the vaults' suffix, until a challenge says what for", async () => {
    const { token, scopes } = open("https://kv1.vault.stack.test:8443/", true);
    await token.ready(never);
    await token.credential.getToken(["https://stack.test/.default"]);
    vi.advanceTimersByTime(60 * MINUTE);
    await token.ready(never);
    const [guessed, learned] = ["https://vault.stack.test:8443/.default", "https://stack.test/.default"];
    expect([token.current(), scopes]).toEqual(["token 3", [guessed, [learned], learned]]);
  });
  test("in a cloud that we know, the vault's challenge has the last word as well", async () => {
    const { token, scopes } = open();
    await token.ready(never);
    await token.credential.getToken("https://moved.azure.net/.default");
    vi.advanceTimersByTime(60 * MINUTE);
    await token.ready(never);
    expect(scopes[2]).toBe("https://moved.azure.net/.default");
  });
  test("each question asks the credential, which keeps and renews tokens", async () => {
    const { token, scopes } = open();
    await token.ready(never);
    await token.ready(never);
    expect([token.current(), scopes.length]).toEqual(["token 2", 2]);
  });
  test("the caller's signal goes to the token service", async () => {
    const { token, signals } = open();
    await token.ready(never);
    expect(signals).toEqual([never]);
  });
  test("what the token service fails with is the caller's, and the next one asks it again", async () => {
    const failure = new Error("no token");
    const { token, scopes } = open(undefined, false, (number) => {
      if (number === 1) throw failure;
      return forAnHour(number);
    });
    await expect(token.ready(never)).rejects.toBe(failure);
    expect(token.current()).toBeUndefined();
    await token.ready(never);
    expect([token.current(), scopes.length]).toEqual(["token 2", 2]);
  });
  test("no token is none", async () => {
    const { token } = open(undefined, false, () => null);
    await token.ready(never);
    expect(token.current()).toBeUndefined();
    expect(await token.credential.getToken("scope")).toBeNull();
  });
  test("what the vault asks for in a challenge the SDK gets as it is", async () => {
    const { token, signals } = open();
    const found = await token.credential.getToken("scope", { abortSignal: never, tenantId: "t2" });
    expect([found?.token, signals]).toEqual(["token 1", [never]]);
  });
});

type Send = PipelinePolicy["sendRequest"];

describe("a token service that refuses", () => {
  test.each<[Reason, boolean, boolean]>([
    // the reason, whether the cloud is one of a file, whether the vault is asked nevertheless
    ["PermissionDenied", false, false],
    ["ProviderError", false, false],
    ["PermissionDenied", true, true],
    ["ProviderError", true, true],
    ["InvalidRequest", true, true],
    ["ProviderUnavailable", true, false],
    ["DeadlineExceeded", true, false],
    // It would be asked once more at once.
    ["Throttled", true, false],
  ])("by %s, in a cloud of a file %s: the vault is asked what for is %s", async (reason, custom, isAsked) => {
    const failure = new DriverError(reason, "no token");
    const { token, scopes } = open(undefined, custom, () => {
      throw failure;
    });
    const ready = token.ready(never);
    if (isAsked) await ready;
    else await expect(ready).rejects.toBe(failure);
    await token.ready(never).catch(() => undefined);
    // The resource is guessed again, so that a token service which hangs by then is not met at the vault.
    expect([token.current(), scopes.length]).toEqual([undefined, 2]);
  });
  test("an error that nobody foresaw is told", async () => {
    const failure = new TypeError("oops");
    const { token } = open(undefined, true, () => {
      throw failure;
    });
    await expect(token.ready(never)).rejects.toBe(failure);
  });
  test("once a resource was right, a refusal is told", async () => {
    const failure = new DriverError("PermissionDenied", "no token");
    const { token } = open(undefined, true, (number) => {
      if (number > 1) throw failure;
      return forAnHour(number);
    });
    await token.ready(never);
    vi.advanceTimersByTime(60 * MINUTE);
    await expect(token.ready(never)).rejects.toBe(failure);
  });
});

describe("what a request is sent with", () => {
  test.each([
    // the token at hand, what the request has already, what it is sent with
    ["token", undefined, "Bearer token"],
    ["token", "Bearer newer", "Bearer newer"],
    [undefined, undefined, undefined],
    [undefined, "Bearer newer", "Bearer newer"],
  ])("with %j at hand and %j in the request: %j", async (value, before, after) => {
    const headers = new Map<string, string>();
    if (before !== undefined) headers.set("Authorization", before);
    const request = { headers } as unknown as Parameters<Send>[0];
    const response = { status: 200 } as Awaited<ReturnType<Send>>;
    const next = vi.fn<Parameters<Send>[1]>(() => Promise.resolve(response));
    expect(await bearer({ current: () => value }).sendRequest(request, next)).toBe(response);
    expect(next).toHaveBeenCalledExactlyOnceWith(request);
    expect(headers.get("Authorization")).toBe(after);
  });
});
