import { describe, expect, test } from "vitest";
import { parseServiceAccountToken, subjectOf } from "../../../../src/provider/azure/service-account-token.ts";
import {
  bindingAudience,
  exchangeAudience,
  serviceAccountJwt,
  tokensJson,
} from "../../../fakes/service-account-tokens.ts";

const account = { namespace: "shop", name: "web" };
const now = new Date("2026-11-24T12:00:00Z");
const later = new Date("2026-11-24T13:00:00Z");
const parse = (tokens: string | undefined, audience = exchangeAudience) =>
  parseServiceAccountToken(tokens, { account, audience, now });

describe("parseServiceAccountToken()", () => {
  test("finds the token of the audience among several, and what it says", () => {
    const mine = serviceAccountJwt({ expiresAt: later });
    const other = serviceAccountJwt({ audience: bindingAudience, expiresAt: later });
    const tokens = tokensJson({ [bindingAudience]: other, [exchangeAudience]: mine, "https://elsewhere": "opaque" });
    const issuer = "https://oidc.example/cluster";
    expect(parse(tokens)).toEqual({ account, audience: exchangeAudience, issuer, expiresAt: later, value: mine });
    expect(parse(tokens, bindingAudience)).toMatchObject({ audience: bindingAudience, value: other });
  });
  test("the audience may be one of several in the token", () => {
    const token = serviceAccountJwt({ audience: ["https://kubernetes", exchangeAudience], expiresAt: later });
    expect(parse(tokensJson({ [exchangeAudience]: token })).value).toBe(token);
  });

  const unmarshal = "failed to unmarshal service account tokens, error: ";
  const of = `token for audience ${exchangeAudience}`;
  const jwt = (shape: Parameters<typeof serviceAccountJwt>[0]): string =>
    tokensJson({ [exchangeAudience]: serviceAccountJwt({ expiresAt: later, ...shape }) });
  const endless = `e30.${Buffer.from(JSON.stringify({ aud: exchangeAudience, sub: subjectOf(account), exp: 1e300 })).toString("base64url")}.x`;
  test.each([
    ["nothing", undefined, "service account tokens not found: the CSIDriver object must ask kubelet for it"],
    ["blank text", " \n", "service account tokens not found"],
    ["no JSON", "invalid", `${unmarshal}the tokens are no JSON object`],
    ["null", "null", `${unmarshal}the tokens are no JSON object`],
    ["a list", "[]", `${unmarshal}the tokens are no JSON object`],
    ["another audience alone", tokensJson({ a: "t" }), `${of} not found: the CSIDriver object must ask kubelet`],
    ["an empty token", tokensJson({ [exchangeAudience]: "" }), `${of} not found`],
    ["no token in the entry", JSON.stringify({ [exchangeAudience]: {} }), `${of} not found`],
    ["a number as token", JSON.stringify({ a: { token: 1 } }), `${unmarshal}the token of audience a is no string`],
    ["an entry that is text", JSON.stringify({ a: "t" }), `${unmarshal}the entry of audience a is no JSON object`],
    [
      "a time that is none",
      JSON.stringify({ a: { token: "t", expirationTimestamp: "soon" } }),
      `${unmarshal}the expirationTimestamp of audience a is no time`,
    ],
    ["a token that is no JWT", tokensJson({ [exchangeAudience]: "hunter2" }), `${of} is no JSON Web Token`],
    ["claims of another audience", jwt({ audience: bindingAudience }), `${of} is meant for another audience`],
    ["no audience", jwt({ audience: [] }), `${of} is meant for another audience`],
    [
      "another namespace's account",
      jwt({ subject: "system:serviceaccount:bank:web" }),
      `${of} is not one of service account shop/web`,
    ],
    ["another account", jwt({ subject: "system:serviceaccount:shop:admin" }), `${of} is not one of service account`],
    ["a token that expires now", jwt({ expiresAt: now }), `${of} has expired: kubelet hands over a new one`],
    ["an expiry out of all time", tokensJson({ [exchangeAudience]: endless }), `${of} has expired`],
  ])("%s", (_, tokens, message) => {
    const attempt = (): unknown => parse(tokens);
    expect(attempt).toThrow(expect.objectContaining({ reason: "InvalidRequest" }));
    expect(attempt).toThrow(message);
  });
  test.each(["hunter2", serviceAccountJwt({ subject: "other" }), "hunter2.hunter2.hunter2"])(
    "a token is never quoted: %#",
    (token) => {
      const attempt = (): unknown => parse(tokensJson({ [exchangeAudience]: token }));
      const words = token.split(".");
      expect(attempt).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining(words[0] ?? "") as string }),
      );
    },
  );
  test("one malformed entry spoils all, whatever its audience", () => {
    const good = { token: serviceAccountJwt({ expiresAt: later }), expirationTimestamp: later.toISOString() };
    expect(() => parse(JSON.stringify({ [exchangeAudience]: good, other: 1 }))).toThrow(unmarshal);
  });
  test("a missing or null time in the entry is none; the token's own counts", () => {
    const token = serviceAccountJwt({ expiresAt: later });
    expect(parse(JSON.stringify({ [exchangeAudience]: { token } })).expiresAt).toEqual(later);
    expect(parse(JSON.stringify({ [exchangeAudience]: { token, expirationTimestamp: null } })).expiresAt).toEqual(
      later,
    );
  });
  test.each(["http://oidc.example", "https://oidc.example/ hunter2", "x".repeat(300), ""])(
    "the issuer %j is not told",
    (issuer) => {
      expect(parse(jwt({ issuer })).issuer).toBe("");
    },
  );
});

test("the subject of an account is the one that Kubernetes writes", () => {
  expect(subjectOf(account)).toBe("system:serviceaccount:shop:web");
});
