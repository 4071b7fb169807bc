import { createHash } from "node:crypto";
import { connect } from "node:tls";
import { DriverError } from "../../errors.ts";

const PROBE_LIMIT_MS = 10_000;

/** The server name under which the API server's address leads to the token proxy of this cluster (azure-provider 2.5). */
export function sniOf(clusterId: string): string {
  const digest = createHash("sha256").update(`identity-binding${clusterId}`).digest("hex");
  // 256 bits in base32hex (RFC 4648, 7) without padding are 52 digits, the last of them with four bits of zeros.
  const label = (BigInt(`0x${digest}`) << 4n).toString(32).padStart(52, "0");
  return `a${label}.ests.aks`;
}

/** Where the API server is, and who vouches for it. */
export interface ApiServer {
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
}

/** The cluster's id, from the certificate that the API server shows. Throws ProviderError. */
export async function readClusterId(server: ApiServer): Promise<string> {
  for (const name of await namesOf(server)) {
    const id = /^hcp-kubernetes\.(.*)\.svc\.cluster\.local$/.exec(name)?.[1];
    if (id === "") throw unknown(`empty cluster ID in SAN ${JSON.stringify(name)}`);
    if (id !== undefined) return id;
  }
  throw unknown(
    "cluster ID SAN not found in API server certificate (use --sni-name flag to provide SNI name explicitly): identity binding works on AKS only",
  );
}

/** The DNS names in the server's certificate, in its order. */
async function namesOf({ host, port, ca }: ApiServer): Promise<readonly string[]> {
  const socket = connect({ host, port, servername: host, timeout: PROBE_LIMIT_MS, ...(ca !== undefined && { ca }) });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    socket.once("secureConnect", resolve).once("error", reject);
    socket.once("timeout", () => {
      reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
    });
    await promise;
    const { subjectaltname } = socket.getPeerCertificate();
    if (subjectaltname === undefined) throw unknown("no certificates presented by API server");
    return subjectaltname.split(", ").flatMap((name) => (name.startsWith("DNS:") ? [name.slice(4)] : []));
  } catch (error) {
    throw error instanceof DriverError ? error : unknown(`TLS connect to API server: ${codeOf(error)}`);
  } finally {
    socket.destroy();
  }
}

/** What users read of it; the message may say anything. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^[A-Z0-9_]{1,64}$/.test(code) ? code : "failed";
}

function unknown(complaint: string): DriverError {
  return new DriverError("ProviderError", `extract cluster ID from API server certificate: ${complaint}`);
}
