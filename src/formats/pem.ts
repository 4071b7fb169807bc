/** What a PEM block of ours may hold. */
export type PemLabel = "CERTIFICATE" | "PUBLIC KEY";

/** One PEM block of DER bytes: base64 in lines of 64 columns, no headers, a newline at the end (azure-provider 4.7). */
export function pemBlock(label: PemLabel, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
