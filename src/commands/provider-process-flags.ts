import { flag, parseFlags, switchFlag, type FlagSpec, type FlagValues, type ParsedFlags } from "../formats/flags.ts";
import { parseAddress, type Address } from "../formats/address.ts";
import { parseDurationMs } from "../formats/go-text.ts";
import { socketPathOf } from "../grpc/endpoint.ts";
import { LONGEST_PERIOD_MS } from "../schedule/timer.ts";
import { defaultMaxContentBytes } from "../volume/payload.ts";
import { azureFlags } from "./azure-flags.ts";
import { processFlags } from "./process-flags.ts";

/** Flags of `azure-keyvault-csi provider`; the established provider's keep their names and defaults (azure-provider 5.3). */
export const providerFlags = {
  endpoint: flag("ENDPOINT", "where the driver finds the provider, a unix socket", "unix:///tmp/azure.sock", (text) => {
    socketPathOf(text);
    return text;
  }),
  "healthz-port": portFlag("where health is told; a port alone is every address", 8989),
  "healthz-path": flag("PATH", "path of the health endpoint", "/healthz", parsePath),
  "healthz-timeout": {
    ...flag("DURATION", "how long health may take to answer", 5_000, parseTimeout),
    shown: "5s",
  },
  "metrics-backend": flag("NAME", "how metrics are told: Prometheus", "Prometheus", parseBackend),
  "prometheus-port": portFlag("where /metrics is served; a port alone is every address", 8898),
  "max-call-recv-msg-size": flag(
    "BYTES",
    "what the driver takes in a message, as its flag of this name says",
    defaultMaxContentBytes,
    parseBytes,
  ),
  "custom-user-agent": flag("TEXT", "what stands behind the User-Agent of every request", "", parseWords),
  ...azureFlags,
  "enable-pprof": switchFlag("taken and ignored: there is no profiling server"),
  "pprof-port": { ...portFlag("taken and ignored", 6060) },
  ...processFlags,
};

export type ProviderFlags = FlagValues<typeof providerFlags>;

/** Parses the command line; all problems at once. */
export function parseProviderFlags(args: readonly string[]): ParsedFlags<typeof providerFlags> {
  return parseFlags(providerFlags, args);
}

/** The established provider takes a port. An address is taken, too: a port alone is open to the network. */
function portFlag(help: string, port: number): FlagSpec<Address> {
  return { ...flag("PORT", help, { port }, parseAddress), shown: String(port) };
}

function parsePath(text: string): string {
  if (!/^\/[^?#\s]*$/.test(text)) throw new Error("must be a path such as /healthz");
  return text;
}

function parseTimeout(text: string): number {
  const ms = parseDurationMs(text);
  if (ms <= 0 || ms > LONGEST_PERIOD_MS) throw new Error("must be longer than nothing, and at most 596h");
  return ms;
}

function parseBackend(text: string): string {
  if (text.toLowerCase() !== "prometheus") throw new Error(`unsupported metrics backend ${text}`);
  return text;
}

function parseBytes(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) < 1 || Number(text) > 2 ** 31 - 1)
    throw new Error("must be a number of bytes from 1 to 2147483647");
  return Number(text);
}

/** It becomes a header. */
function parseWords(text: string): string {
  if (!/^[\x20-\x7e]{0,200}$/.test(text)) throw new Error("must be at most 200 characters of printable ASCII");
  return text.trim();
}
