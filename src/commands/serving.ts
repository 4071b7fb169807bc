import { once } from "node:events";
import { DriverError } from "../errors.ts";
import { describeFlags, type FlagTable } from "../formats/flags.ts";
import type { Logger } from "../log.ts";
import { createLogger } from "../logging/logger.ts";
import { findDebugging, hardenProcess } from "../process/harden.ts";
import { loadReleaseMemory } from "../process/memory.ts";
import { processorTimeMs, releaseAtRest } from "../process/rest.ts";
import { trustExtraAuthorities } from "../process/trust.ts";
import { createTimerSchedule } from "../schedule/timer.ts";
import { complain, say, type Command } from "./command.ts";
import type { ProcessFlags } from "./process-flags.ts";

/** How long calls under way may take to end when a command stops; shorter than a pod's grace period of 30 s. */
export const DRAIN_LIMIT_MS = 20_000;

/** What a command has started. */
export interface Running {
  /** Resolves when it cannot go on, to a sentence that says so. */
  readonly ended: Promise<string>;
  /** Takes no new calls; those under way end. */
  stop(): Promise<void>;
}

/** A command that serves until a signal. */
export interface Serving<Flags extends ProcessFlags, Means> {
  readonly name: string;
  readonly flags: FlagTable;
  readonly parse: (args: readonly string[]) => { readonly values: Flags; readonly problems: readonly string[] };
  /** What --version prints. */
  readonly version: object;
  /** Loads and connects what the command works with; asks nobody yet. */
  readonly prepare: (flags: Flags, env: NodeJS.ProcessEnv, log: Logger) => Promise<Means>;
  /** Serves; the process is hardened by then. */
  readonly start: (flags: Flags, means: Means, log: Logger) => Promise<Running>;
}

/** Serves until SIGTERM or SIGINT; a second signal ends it at once. */
export function servingCommand<Flags extends ProcessFlags, Means>(serving: Serving<Flags, Means>): Command {
  const { name } = serving;
  return async (args, env) => {
    if (args.some((word) => /^--?h(elp)?$/.test(word)))
      return say(`Flags of azure-keyvault-csi ${name}:\n${describeFlags(serving.flags)}`);
    const { values: flags, problems } = serving.parse(args);
    if (problems.length > 0) return complain(name, problems);
    if (flags.version) return say(JSON.stringify(serving.version));
    const debugging = findDebugging(process.execArgv, env["NODE_OPTIONS"] ?? "");
    if (debugging)
      return complain(name, [`${debugging} would open the memory of a process that handles secrets: remove it`]);
    const { stdout, stderr } = process;
    const log = createLogger({ verbosity: flags.v, json: flags["log-format-json"], stdout, stderr });
    return serve(serving, flags, env, log);
  };
}

async function serve<Flags extends ProcessFlags, Means>(
  { prepare, start }: Serving<Flags, Means>,
  flags: Flags,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<number> {
  const stop = nextSignal();
  try {
    await trustExtraAuthorities(env);
    const means = await prepare(flags, env, log);
    await hardenProcess();
    const running = await start(flags, means, log);
    await using upkeep = new AsyncDisposableStack();
    upkeep.use(releaseAtRest(createTimerSchedule(log), await loadReleaseMemory(), processorTimeMs));
    const end = await Promise.race([running.ended, stop.then(() => undefined)]);
    if (end === undefined) log.info("Stopping", { signal: await stop });
    else log.error(end);
    void nextSignal().then(() => process.exit(1));
    await running.stop();
    return end === undefined ? 0 : 1;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    log.error(error instanceof DriverError ? message : "could not start", { ...(code && { err: code }) });
    return 1;
  }
}

async function nextSignal(): Promise<string> {
  const aborted = new AbortController();
  const waits = (["SIGTERM", "SIGINT"] as const).map(async (name) => {
    await once(process, name, { signal: aborted.signal });
    return name;
  });
  const name = await Promise.race(waits);
  aborted.abort();
  await Promise.allSettled(waits);
  return name;
}
