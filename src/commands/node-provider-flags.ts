import { flag, switchFlag } from "../formats/flags.ts";
import { parseDurationMs } from "../formats/go-text.ts";
import { parseDirectories } from "../provider/remote/sockets.ts";
import { LONGEST_PERIOD_MS } from "../schedule/timer.ts";

/** What one answer may be at most, and with it what a volume may hold: it counts against the node's memory. */
const LARGEST_ANSWER_BYTES = 1024 ** 3;
const SHORTEST_INTERVAL_MS = 1_000;

const additional = "/etc/kubernetes/secrets-store-csi-providers";

/** Flags about other vendors' providers; the established driver's names and defaults. */
export const providerFlags = {
  "provider-volume": flag(
    "DIR",
    "where providers have their sockets",
    "/var/run/secrets-store-csi-providers",
    parseDirectory,
  ),
  "additional-provider-volume-paths": {
    ...flag(
      "DIR,DIR",
      "more such directories, which are looked in first",
      parseDirectories(additional),
      parseDirectories,
    ),
    shown: additional,
  },
  "azure-provider-volume": flag(
    "DIR",
    "directory with the azure.sock that gets Azure's content, instead of this process (default: this process)",
    "",
    (text) => (text === "" ? "" : parseDirectory(text)),
  ),
  "max-call-recv-msg-size": flag(
    "BYTES",
    "the most that a provider may answer, and that a volume may hold",
    4 * 1024 * 1024,
    parseBytes,
  ),
  "provider-health-check": switchFlag(
    "ask connected providers for their version regularly; -v=4 shows what came of it",
  ),
  "provider-health-check-interval": {
    ...flag("DURATION", "how often they are asked", 120_000, parseInterval),
    shown: "2m",
  },
};

function parseDirectory(text: string): string {
  if (!text.startsWith("/")) throw new Error("must be an absolute path");
  return text;
}

function parseBytes(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) < 1 || Number(text) > LARGEST_ANSWER_BYTES)
    throw new Error(`must be a number of bytes, 1 to ${LARGEST_ANSWER_BYTES}`);
  return Number(text);
}

function parseInterval(text: string): number {
  const ms = parseDurationMs(text);
  if (ms < SHORTEST_INTERVAL_MS || ms > LONGEST_PERIOD_MS) throw new Error("must be from 1s to 596h");
  return Math.round(ms);
}
