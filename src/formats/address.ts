/** Where a TCP server listens. */
export interface Address {
  /** Absent: every address of the machine. */
  readonly host?: string;
  readonly port: number;
}

/**
 * Go's listen address: `:8898`, `127.0.0.1:9808`, `[::1]:9808`. A port alone is taken too, as the established provider's
 * `metricsAddr` has it. Throws an Error that says what is wanted.
 */
export function parseAddress(text: string): Address {
  const {
    v6,
    host = v6,
    port,
  } = /^(?:(?:\[(?<v6>[^\]]+)\]|(?<host>[^:[\]\s]*)):)?(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  if (port === undefined || Number(port) > 65_535)
    throw new Error("must be an address such as :8898 or 127.0.0.1:9808");
  return { ...(host && { host }), port: Number(port) };
}

/** The address as it was written. */
export function formatAddress({ host = "", port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
