import { DriverError } from "../../src/errors.ts";
import type { Content, ContentRequest, Payload } from "../../src/model.ts";
import type { Timeline } from "./timeline.ts";
import type { CoreWorld } from "./volumes.ts";

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** As long as the plugin waits for the API. */
const API_LIMIT_MS = 10_000;

/** What goes wrong from some minute on, for some minutes; of a vault: for volumes of one class. */
export interface Trouble {
  readonly what: (typeof troubleNames)[number];
  readonly atMinute: number;
  readonly forMinutes: number;
  readonly className: string;
}

export const troubleNames = [
  "vault fails",
  "vault hangs",
  "vault is slow",
  "API is away",
  "API hangs",
  "API refuses",
  "others write the Secrets",
  "files cannot be written",
  "kubelet is away",
] as const;

/** Whether something goes wrong now; in the last half hour nothing does. */
export type IsOn = (what: Trouble["what"], className?: string) => boolean;

export function createTroubles(troubles: readonly Trouble[], timeline: Timeline): IsOn {
  return (what, className) => {
    const minute = timeline.elapsedMs() / MINUTE_MS;
    return troubles.some(
      (trouble) =>
        trouble.what === what &&
        (className === undefined || trouble.className === className) &&
        minute >= trouble.atMinute &&
        minute < Math.min(trouble.atMinute + trouble.forMinutes, 24 * 60 - 30),
    );
  };
}

/** Vaults of classes whose versions count up; a content holds two files that are of one version. */
export interface Vaults {
  readonly latest: Map<string, number>;
  answer(request: ContentRequest, signal: AbortSignal): Promise<Content>;
}

export function createVaults(classNames: readonly string[], timeline: Timeline, isOn: IsOn): Vaults {
  const latest = new Map<string, number>(classNames.map((name) => [name, 1]));
  return {
    latest,
    answer: async ({ volume: { className } }, signal) => {
      if (isOn("vault fails", className)) throw new DriverError("ProviderUnavailable", "no route");
      const version = latest.get(className) ?? 0;
      if (isOn("vault hangs", className)) await hang(timeline, signal);
      await timeline.pause(isOn("vault is slow", className) ? 110_000 : 200, signal);
      return contentOfVersion(version);
    },
  };
}

/** Who is told to leave takes his time. */
async function hang(timeline: Timeline, signal: AbortSignal): Promise<void> {
  await timeline.pause(DAY_MS, signal).catch(() => undefined);
  await timeline.pause(5_000, new AbortController().signal);
}

function contentOfVersion(version: number): Content {
  const contents = Buffer.from(String(version));
  return {
    files: ["a", "b"].map((path) => ({ path, mode: 0o644, contents })),
    versions: ["a", "b"].map((name) => ({ id: `secret/${name}`, version: String(version) })),
  };
}

/** The versions that files are of. */
export function versionsIn(payload: Payload | readonly []): readonly number[] {
  return [...new Set(payload.map(({ contents }) => Number(Buffer.from(contents).toString())))];
}

/** Whatever is asked of the API meets its troubles, and the files theirs. */
export function setTroubles(
  { classes, statuses, pods, secrets, files }: CoreWorld,
  timeline: Timeline,
  isOn: IsOn,
): void {
  const full = new DriverError("FileWriteError", "no space");
  Object.defineProperty(files, "failure", { get: () => (isOn("files cannot be written") ? full : undefined) });

  async function meet(signal: AbortSignal): Promise<void> {
    if (isOn("API is away")) throw new DriverError("KubernetesUnavailable", "the Kubernetes API cannot be reached");
    if (isOn("API refuses")) throw new DriverError("PermissionDenied", "forbidden");
    if (!isOn("API hangs")) return;
    await timeline.pause(API_LIMIT_MS, signal).catch(() => undefined);
    throw new DriverError(signal.aborted ? "DeadlineExceeded" : "KubernetesUnavailable", "no answer");
  }

  const afterMeeting =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await meet(args.at(-1) as AbortSignal);
      return call(...args);
    };

  const patch = secrets.patch;
  classes.read = afterMeeting(classes.read);
  pods.read = afterMeeting(pods.read);
  statuses.read = afterMeeting(statuses.read);
  statuses.apply = afterMeeting(statuses.apply);
  secrets.read = afterMeeting(secrets.read);
  secrets.create = afterMeeting(secrets.create);
  secrets.patch = afterMeeting((...args) =>
    isOn("others write the Secrets") ? Promise.resolve("conflict" as const) : patch(...args),
  );
}
