import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { pemBlock } from "../../../src/formats/pem.ts";

describe("pemBlock()", () => {
  test("short content is one line", () => {
    const block = "-----BEGIN CERTIFICATE-----\ndGVzdA==\n-----END CERTIFICATE-----\n";
    expect(pemBlock("CERTIFICATE", Buffer.from("test"))).toBe(block);
  });
  test("no content is no line", () => {
    expect(pemBlock("CERTIFICATE", new Uint8Array())).toBe("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
  });
  test("a block is what OpenSSL writes", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
    const der = publicKey.export({ format: "der", type: "spki" });
    expect(pemBlock("PUBLIC KEY", der)).toBe(publicKey.export({ format: "pem", type: "spki" }));
  });
});
