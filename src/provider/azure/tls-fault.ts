/** Whether Node's code is about TLS or a certificate. */
export function isTlsCode(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|^ERR_TLS|^ERR_SSL|^EPROTO$/.test(code);
}

/** One line about TLS that failed with somebody; the remedy is what helps where a CA is missing. */
export function tlsFault(whom: string, code: string, remedy: string): string {
  if (/^(ERR_SSL_|EPROTO$)/.test(code) && !code.includes("CERT"))
    return `TLS with ${whom} fails (${code}): check what answers there, and whether a proxy stands in between`;
  return `the certificate of ${whom} is not trusted (${code}): ${certificateRemedies[code] ?? remedy}`;
}

const timeRemedy = "renew it, or correct the clock of this node";

/** Where another CA would not help. */
const certificateRemedies: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: timeRemedy,
  CERT_NOT_YET_VALID: timeRemedy,
  ERR_TLS_CERT_ALTNAME_INVALID: "it is one for other names; check what answers there",
};
