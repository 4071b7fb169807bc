import { decodeBase64 } from "./go-text.ts";

/** One block of a PEM text. */
export interface PemBlock {
  readonly label: string;
  /** As in `Proc-Type: 4,ENCRYPTED`, in the order written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Uint8Array;
}

/** One PEM block: base64 in lines of 64 columns, a newline at the end (azure-provider 4.3, 4.7). */
export function pemBlock(label: string, bytes: Uint8Array, headers: PemBlock["headers"] = []): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  const head = headers.map(([name, value]) => `${name}: ${value}`);
  if (head.length > 0) head.push("");
  return [`-----BEGIN ${label}-----`, ...head, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * The well-formed blocks of a text, in order; the rest is skipped, as encoding/pem does (azure-provider 4.4): BEGIN
 * stands at the start of its line, a block with broken base64 is none. Each line is looked at once.
 */
export function readPem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: OpenBlock | undefined;
  for (const line of text.split("\n").map(withoutEnd)) {
    const label = /^-----BEGIN (.*)-----$/.exec(line)?.[1];
    if (label !== undefined) open = { label, headers: [], body: [] };
    else if (open !== undefined && line.startsWith("-----END ")) {
      const block = closeBlock(open, line);
      if (block !== undefined) blocks.push(block);
      open = undefined;
    } else if (open !== undefined) addLine(open, line);
  }
  return blocks;
}

interface OpenBlock {
  readonly label: string;
  readonly headers: (readonly [string, string])[];
  readonly body: string[];
}

function withoutEnd(line: string): string {
  return line.replace(/\r$/, "").replace(/(?<![ \t])[ \t]+$/, "");
}

function addLine({ headers, body }: OpenBlock, line: string): void {
  const colon = line.indexOf(":");
  if (body.length > 0 || colon < 0) body.push(line);
  else headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
}

function closeBlock({ label, headers, body }: OpenBlock, end: string): PemBlock | undefined {
  // Headers end with an empty line, even where nothing follows.
  if (end !== `-----END ${label}-----` || (headers.length > 0 && body.length === 0)) return undefined;
  try {
    return { label, headers, bytes: decodeBase64(body.join("").replaceAll(/[ \t]/g, "")) };
  } catch {
    return undefined;
  }
}
