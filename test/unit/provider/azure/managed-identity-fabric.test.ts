import { afterEach, expect, test, vi } from "vitest";
import { createMetadataService } from "../../../../src/provider/azure/managed-identity.ts";
import { customCloud } from "../../../fakes/azure-means.ts";

// In a file of its own: the library finds out once in a process what kind of node this is.
afterEach(() => {
  vi.unstubAllEnvs();
});

test("where the environment allows no choice, a client id is refused at once", () => {
  const env = {
    IDENTITY_ENDPOINT: "https://fabric.example",
    IDENTITY_HEADER: "header",
    IDENTITY_SERVER_THUMBPRINT: "thumbprint",
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const cloud = customCloud("https://login.example/", "vault.example");
  const service = createMetadataService({ userAgent: "test", timeoutMs: 1_000, env });
  const choose = (clientId: string) => () => service.sourceOf({ kind: "managed", cloud, clientId });
  expect(choose("c1")).toThrow(expect.objectContaining({ reason: "InvalidRequest" }));
  expect(choose("c1")).toThrow("leave out userAssignedIdentityID");
  expect(choose("")).not.toThrow();
});
