import { DriverError } from "../errors.ts";
import type { DesiredSecret, LiveSecret } from "../model.ts";
import type { Secrets } from "../ports.ts";
import { changesOf, type Wish } from "./changes.ts";
import { frozenRefusal, refusalOf } from "./refusals.ts";

/** What became of a wish. */
export type Result =
  | { readonly outcome: "created" | "patched" | "marked" | "unchanged" }
  /** What is there must not be written, until somebody changes it. */
  | { readonly outcome: "refused"; readonly error: DriverError };

/** Replicas that start together come to the same Secret at the same time; each try finds what another one did. */
const TRIES = 10;

/** Read → ours? → changed? → create, patch, or refuse. Throws Busy where others were faster again and again. */
export async function bringAbout(wish: Wish, secrets: Secrets, signal: AbortSignal): Promise<Result> {
  const { desired } = wish;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const live = await secrets.read(desired.ref, signal);
    const result = live ? await adjust(live, wish, secrets, signal) : await create(desired, secrets, signal);
    if (result !== undefined) return result;
  }
  throw new DriverError(
    "Busy",
    `Secret ${desired.ref.namespace}/${desired.ref.name} was changed by others at each of ${TRIES} tries; it will be tried again`,
  );
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
  if (changes === undefined) return { outcome: "unchanged" };
  const frozen = frozenRefusal(live, changes);
  if (frozen !== undefined) return { outcome: "refused", error: frozen };
  const isData = Object.keys(changes.data).length > 0;
  return (await secrets.patch(live, changes, signal)) === "patched"
    ? { outcome: isData ? "patched" : "marked" }
    : undefined;
}
