import { DriverError } from "../errors.ts";
import { isFetchable, type FetchableVolume } from "../volume/credentials.ts";
import { freshen, type Freshened } from "../volume/freshen.ts";
import { forPass } from "../volume/freshness.ts";
import { recovered, refreshFailed, rotated } from "../volume/pod-events.ts";
import type { Asking, VolumePorts } from "../volume/volume-ports.ts";
import { volumesToRefresh } from "./choice.ts";
import { quietAfter } from "./quiet.ts";

/** Keeps every known volume fresh. */
export interface Rotation {
  /**
   * Begins a pass, and ends what the pass before left unfinished: a fetch lasts one interval at most. Resolves when every
   * volume of this pass is done, and never rejects; whoever begins passes need not wait for that.
   */
  pass(): Promise<void>;
  /** Ends what is under way. */
  stop(): Promise<void>;
}

/** How long a pass waits for a class, of which it has an older one: as the Kubernetes API may take, or a third of short intervals. */
function classLimitMs(intervalMs: number): number {
  return Math.floor(Math.min(10_000, intervalMs / 3));
}

/**
 * Every volume by itself, all at once: a vault that is slow or fails delays nobody else, and volumes that want the same at
 * the same time share it (in the provider and in Classes, not here). One in
 * flight has its turn when it ends, which it does soon where this pass cut it off.
 */
export function createRotation(ports: VolumePorts, intervalMs: number): Rotation {
  const stopped = new AbortController();
  const own = { ...ports, events: quietAfter(stopped.signal, ports.events) };
  let unfinished = new AbortController();
  const passes = new Set<Promise<unknown>>();

  async function passOver(volumes: readonly FetchableVolume[], asking: Asking): Promise<void> {
    await Promise.all(volumes.map((known) => rotate(known, asking, own, stopped.signal)));
  }

  return {
    pass: async () => {
      unfinished.abort();
      unfinished = new AbortController();
      const freshness = forPass(ports.clock(), intervalMs);
      const asking = { freshness, signal: unfinished.signal, classWithinMs: classLimitMs(intervalMs) };
      const pass = passOver(volumesToRefresh(ports.volumes.all(), ports.elapsed()), asking);
      passes.add(pass);
      await pass;
      passes.delete(pass);
    },
    stop: async () => {
      stopped.abort();
      unfinished.abort();
      await Promise.all(passes);
    },
  };
}

async function rotate(
  { volume }: FetchableVolume,
  asking: Asking,
  ports: VolumePorts,
  stopped: AbortSignal,
): Promise<void> {
  using claim = await ports.volumes.claimInTurn(volume, asking.signal);
  const fetchable = ports.volumes.current(volume);
  if (claim === undefined || fetchable === undefined || !isFetchable(fetchable)) return;
  const startedAt = ports.elapsed();
  const tookMs = (): number => ports.elapsed() - startedAt;
  try {
    const outcome = await freshen(fetchable, ports, asking);
    if (outcome !== undefined) succeeded(fetchable, outcome, tookMs(), ports);
  } catch (error) {
    if (!stopped.aborted) failed(fetchable, error, tookMs(), ports);
  }
}

function succeeded(known: FetchableVolume, outcome: Freshened, durationMs: number, ports: VolumePorts): void {
  const { volume, failing } = known;
  const latest = ports.volumes.change(volume, { failing: false });
  ports.metrics.rotated({
    provider: latest?.secretProviderClass?.provider ?? "",
    rotated: outcome.rotated,
    durationMs,
  });
  if (outcome.rotated) ports.events.record(volume.pod, rotated(volume, outcome.before, outcome.after));
  else if (failing) ports.events.record(volume.pod, recovered(volume));
}

/** Last known good: the files stay, kubelet is told nothing. */
function failed(known: FetchableVolume, error: unknown, durationMs: number, ports: VolumePorts): void {
  const { volume, secretProviderClass } = known;
  const ofError = error instanceof DriverError ? error.provider : undefined;
  ports.volumes.change(volume, { failing: true });
  ports.metrics.rotated({
    provider: ofError ?? secretProviderClass?.provider ?? "",
    rotated: false,
    durationMs,
    error,
  });
  ports.events.record(volume.pod, refreshFailed(error));
}
