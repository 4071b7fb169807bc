import { pemBlock, readPem } from "../../formats/pem.ts";

/** A text that becomes a file of its own, by what its name gets at the end. */
export interface Part {
  readonly suffix: "" | ".crt" | ".key";
  readonly text: string;
}

/**
 * The PEM text of a certificate's secret as three files: certificates, everything else, and the whole (azure-provider
 * 4.4). Where there is no PEM the first two are empty.
 */
export function separateFiles(text: string): readonly Part[] {
  const blocks = readPem(text);
  const print = (wanted: typeof blocks): string =>
    wanted.map(({ label, bytes, headers }) => pemBlock(label, bytes, headers)).join("");
  return [
    { suffix: ".crt", text: print(blocks.filter(({ label }) => label === "CERTIFICATE")) },
    { suffix: ".key", text: print(blocks.filter(({ label }) => label !== "CERTIFICATE")) },
    { suffix: "", text },
  ];
}
