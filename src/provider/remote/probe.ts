import { DriverError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Channel } from "./channel.ts";
import { shown } from "./foreign-text.ts";
import { codeName } from "./refusal.ts";

/** As the established driver waits for a version (csi-driver 2.6). */
const timeoutMs = 5_000;
/** Verbosity. */
const level = 4;

/** Asks a provider for its version, for the log alone; one whose socket is gone is told as well. */
export async function probe(
  name: string,
  connect: () => Channel,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Logger },
): Promise<void> {
  const startedAt = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startedAt);
  try {
    const { runtimeName, runtimeVersion } = await connect().version({
      deadline: new Date(Date.now() + timeoutMs),
      signal,
    });
    const version = shown(`${runtimeName} ${runtimeVersion}`, 100);
    log.info(`provider "${name}" is healthy`, { version, durationMs: tookMs() }, level);
  } catch (error) {
    const err = error instanceof DriverError ? error.reason : codeName(error);
    log.info(`provider "${name}" is not healthy`, { err, durationMs: tookMs() }, level);
  }
}
