import type { Payload } from "../../src/model.ts";
import { parsePayload } from "../../src/volume/payload.ts";

/** A payload of text files, mode 0644 unless another is given for the path. */
export function payloadOf(
  contents: Readonly<Record<string, string>>,
  modes: Readonly<Record<string, number>> = {},
): Payload {
  return parsePayload(
    Object.entries(contents).map(([path, text]) => ({
      path,
      mode: modes[path] ?? 0o644,
      contents: Buffer.from(text),
    })),
  );
}
