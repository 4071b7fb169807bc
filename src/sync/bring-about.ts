import { DriverError, type Reason } from "../errors.ts";
import type { DesiredSecret, LiveSecret } from "../model.ts";
import type { Backoff, Secrets } from "../ports.ts";
import { changesOf, keepsLater, type Wish } from "./changes.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import { frozenRefusal, refusalOf } from "./refusals.ts";

export interface SecretPorts {
  readonly secrets: Secrets;
  /** By `Secret namespace/name`: replicas of this node that start together come to the same Secret at the same time. */
  readonly locks: KeyedLock;
  /** Before what another node made fail is tried again. */
  readonly backoff: Backoff;
}

/** What became of a wish. */
export type Result =
  | {
      readonly outcome: "created" | "patched" | "marked" | "unchanged";
      /** Other values stay, since by the time of day they are made of later files. */
      readonly keepsLater?: true;
    }
  /** What is there must not be written, until somebody changes it. */
  | { readonly outcome: "refused"; readonly error: DriverError };

/** Replicas of other nodes come to it, too; each try finds what another one did. */
const TRIES = 10;

/** The API's failures, not the Secret's. */
const unanswered: readonly Reason[] = ["KubernetesUnavailable", "DeadlineExceeded"];

/** Read → ours? → changed? → create, patch, or refuse. Throws Busy where others were faster again and again. */
export function bringAbout(wish: Wish, ports: SecretPorts, signal: AbortSignal): Promise<Result> {
  const { namespace, name } = wish.desired.ref;
  const secret = `Secret ${namespace}/${name}`;
  const tryOut = async (): Promise<Result> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (tries > 0) await ports.backoff(tries, signal);
      const result = await attempt(wish, ports.secrets, signal);
      if (result !== undefined) return result;
    }
    throw new DriverError("Busy", `others changed it at each of ${TRIES} tries; it will be tried again`);
  };
  return ports.locks.hold(secret, signal, tryOut, isUnanswered);
}

/** Whether others who want the same Secret would fare no better: they would wait for as long again, one after another. */
export function isUnanswered(failure: unknown): failure is DriverError {
  return failure instanceof DriverError && unanswered.includes(failure.reason);
}

/** Undefined where somebody was faster. */
async function attempt(wish: Wish, secrets: Secrets, signal: AbortSignal): Promise<Result | undefined> {
  const live = await secrets.read(wish.desired.ref, signal);
  return live ? await adjust(live, wish, secrets, signal) : await create(wish.desired, secrets, signal);
}

async function create(desired: DesiredSecret, secrets: Secrets, signal: AbortSignal): Promise<Result | undefined> {
  return (await secrets.create(desired, signal)) === "created" ? { outcome: "created" } : undefined;
}

async function adjust(
  live: LiveSecret,
  wish: Wish,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const refusal = refusalOf(live, wish.desired);
  if (refusal !== undefined) return { outcome: "refused", error: refusal };
  const changes = changesOf(live, wish);
  const keeps = keepsLater(live, wish) && { keepsLater: true as const };
  if (changes === undefined) return { outcome: "unchanged", ...keeps };
  const frozen = frozenRefusal(live, changes);
  if (frozen !== undefined) return { outcome: "refused", error: frozen };
  const isData = Object.keys(changes.data).length > 0;
  return (await secrets.patch(live, changes, signal)) === "patched"
    ? { outcome: isData ? "patched" : "marked", ...keeps }
    : undefined;
}
