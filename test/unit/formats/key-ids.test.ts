import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { AuthorityKeyIdentifierExtension, GeneralNames, X509CertificateGenerator } from "@peculiar/x509";
import { afterAll, describe, expect, test } from "vitest";
import { keyIdsOf } from "../../../src/formats/key-ids.ts";
import { cannotOpenssl, createWorkshop } from "../../fakes/pfx.ts";

test("the key id of an issuer that is told by name and number only is none", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const issuer = { name: new GeneralNames([{ type: "dn", value: "CN=issuer" }]), serialNumber: "01" };
  const extensions = [new AuthorityKeyIdentifierExtension(issuer)];
  const options = { name: "CN=leaf", keys, signingAlgorithm: algorithm, extensions, serialNumber: "02" };
  const { rawData } = await X509CertificateGenerator.createSelfSigned(options);
  expect(keyIdsOf(new Uint8Array(rawData))).toEqual({ subject: undefined, authority: undefined });
});

describe.skipIf(cannotOpenssl)(`the key ids of a certificate made by openssl${cannotOpenssl}`, () => {
  const workshop = createWorkshop();
  afterAll(() => {
    workshop.close();
  });

  test("are those that openssl prints", () => {
    const root = workshop.issue("root", "P-256");
    const { certificate } = workshop.issue("leaf", "P-384", root, "basicConstraints=critical,CA:FALSE");
    const text = String(
      workshop.openssl(["x509", "-noout", "-ext", "subjectKeyIdentifier,authorityKeyIdentifier"], String(certificate)),
    );
    const [subject, authority] = [...text.matchAll(/(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/g)].map(([id]) =>
      id.replaceAll(":", "").toLowerCase(),
    );
    expect(keyIdsOf(certificate.raw)).toEqual({ subject, authority });
    expect(keyIdsOf(root.certificate.raw).subject).toBe(authority);
  });
  test("are none where it has none", () => {
    const { certificate } = workshop.issue("v1", "RSA 2048", undefined, "");
    expect(keyIdsOf(certificate.raw)).toEqual({ subject: undefined, authority: undefined });
  });
});
