import type { Credentials, ObjectVersion, Parameters, PublishRequest, SecretProviderClass, Volume } from "../model.ts";

/** Whether the pod status says what the volume holds. */
export type Report =
  /** Somebody else published the volume; whether it was ever reported is not known yet. */
  | "unknown"
  /** The files are there, their report is not. */
  | "owed"
  | "told";

/** A volume of this node, and what is remembered of it. No values: those are in the files alone. */
export interface KnownVolume {
  /** One publication: a volume that is unpublished and published again is another object, even if all fields are equal. */
  readonly volume: Volume;
  readonly attributes: Parameters;
  /** What kubelet handed over last; undefined when it was dropped. */
  readonly credentials: Credentials | undefined;
  /** By `elapsed`. */
  readonly handedOverAt: number;
  /** The class as it was read last; undefined while nobody had to. */
  readonly secretProviderClass: SecretProviderClass | undefined;
  /** Since when the class may not be read, by `elapsed`; undefined when it was read last. */
  readonly refusedSince?: number | undefined;
  /** What the volume holds; undefined when somebody else wrote it. */
  readonly versions: readonly ObjectVersion[] | undefined;
  readonly report: Report;
  /** Since when the report waits for the status of an earlier pod to go, by `elapsed`; undefined when it was written last. */
  readonly heldUpSince?: number | undefined;
  /** Whether a Secret of the class could not be brought up to date. */
  readonly secretsOwed: boolean;
  /** Since when Secrets of the class may not be written, by `elapsed`; undefined when nobody refused them last. */
  readonly secretsRefusedSince?: number | undefined;
  /** When the content was last known to be the vault's; for a volume that was taken over, since when it is known. */
  readonly freshAt: Date;
  /** Whether the last refresh failed. */
  readonly failing: boolean;
}

/** The volumes that this process published or took over, by target path. */
export interface Volumes {
  get(targetPath: string): KnownVolume | undefined;
  /** What is known of this very publication. */
  current(volume: Volume): KnownVolume | undefined;
  all(): readonly KnownVolume[];
  /** A volume was published; one of the same target that was known until now is no more. */
  remember(known: KnownVolume): KnownVolume;
  /** Changes what is remembered of this publication; undefined, and no change, when it is gone. */
  change(volume: Volume, news: Partial<Omit<KnownVolume, "volume">>): KnownVolume | undefined;
  /** A republish brings fresh credentials; undefined when the volume is not known. */
  handOver(request: PublishRequest, at: number): KnownVolume | undefined;
  forget(targetPath: string): void;
  /** Refreshing and reporting one volume never overlap: who gets no claim leaves the volume to the one who has it. */
  claim(volume: Volume): Disposable | undefined;
  /** The same for who waits for his turn; undefined when the signal fires first. */
  claimInTurn(volume: Volume, signal: AbortSignal): Promise<Disposable | undefined>;
}

/** Without rotation nobody needs credentials once a volume is reported: they are dropped then. */
export function createVolumes({ keepsCredentials }: { readonly keepsCredentials: boolean }): Volumes {
  const known = new Map<string, KnownVolume>();
  const claims = new WeakMap<Volume, Promise<unknown>>();

  function put(entry: KnownVolume): KnownVolume {
    const needed = keepsCredentials || entry.report === "unknown";
    const kept = needed ? entry : { ...entry, credentials: undefined };
    known.set(entry.volume.targetPath, kept);
    return kept;
  }

  function current(volume: Volume): KnownVolume | undefined {
    const entry = known.get(volume.targetPath);
    return entry?.volume === volume ? entry : undefined;
  }

  function change(volume: Volume, news: Partial<Omit<KnownVolume, "volume">>): KnownVolume | undefined {
    const entry = current(volume);
    return entry && put({ ...entry, ...news });
  }

  function claim(volume: Volume): Disposable | undefined {
    if (claims.has(volume)) return undefined;
    const { promise, resolve } = Promise.withResolvers();
    claims.set(volume, promise);
    return {
      [Symbol.dispose]: () => {
        claims.delete(volume);
        resolve(undefined);
      },
    };
  }

  async function claimInTurn(volume: Volume, signal: AbortSignal): Promise<Disposable | undefined> {
    for (let ahead = claims.get(volume); ahead !== undefined && !signal.aborted; ahead = claims.get(volume))
      await firstOf(ahead, signal);
    return signal.aborted ? undefined : claim(volume);
  }

  return {
    get: (targetPath) => known.get(targetPath),
    current,
    all: () => [...known.values()],
    remember: put,
    change,
    handOver: ({ volume, attributes, credentials }, at) => {
      const entry = known.get(volume.targetPath);
      return entry && change(entry.volume, { attributes, credentials, handedOverAt: at });
    },
    forget: (targetPath) => void known.delete(targetPath),
    claim,
    claimInTurn,
  };
}

function firstOf(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    void promise.then(done);
  });
}
