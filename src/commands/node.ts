import { once } from "node:events";
import { DriverError } from "../errors.ts";
import { describeFlags } from "../formats/flags.ts";
import type { Logger } from "../log.ts";
import { createLogger } from "../logging/logger.ts";
import { findDebugging, hardenProcess } from "../process/harden.ts";
import { trustExtraAuthorities } from "../process/trust.ts";
import { buildInfo } from "./build-info.ts";
import type { Command } from "./command.ts";
import { createNodeAdapters } from "./node-adapters.ts";
import { nodeFlags, parseNodeFlags, type NodeFlags } from "./node-flags.ts";
import { startNodePlugin } from "./node-server.ts";

/** The plugin on a node: serves kubelet until SIGTERM or SIGINT; a second signal ends it at once. */
export const node: Command = async (args, env) => {
  if (args.some((word) => /^--?h(elp)?$/.test(word)))
    return say(`Flags of azure-keyvault-csi node:\n${describeFlags(nodeFlags)}`);
  const { values: flags, problems } = parseNodeFlags(args);
  if (problems.length > 0) return complain(problems);
  if (flags.version) return say(JSON.stringify(buildInfo));
  const debugging = findDebugging(process.execArgv, env["NODE_OPTIONS"] ?? "");
  if (debugging) return complain([`${debugging} would open the memory of a process that handles secrets: remove it`]);
  const log = createLogger({
    verbosity: flags.v,
    json: flags["log-format-json"],
    stdout: process.stdout,
    stderr: process.stderr,
  });
  return serve(flags, env, log);
};

async function serve(flags: NodeFlags, env: NodeJS.ProcessEnv, log: Logger): Promise<number> {
  const stop = nextSignal();
  try {
    await trustExtraAuthorities(env);
    const adapters = await createNodeAdapters(flags, env, log);
    await hardenProcess();
    const plugin = await startNodePlugin(flags, adapters, log);
    log.info("Serving kubelet", { endpoint: flags.endpoint, node: flags.nodeid, version: buildInfo.BuildVersion });
    const end = await Promise.race([plugin.ended, stop.then(() => undefined)]);
    if (end === undefined) log.info("Stopping", { signal: await stop });
    else log.error(end);
    void nextSignal().then(() => process.exit(1));
    await plugin.stop();
    return end === undefined ? 0 : 1;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    log.error(error instanceof DriverError ? message : "the plugin could not start", { ...(code && { err: code }) });
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

function say(text: string): number {
  console.log(text);
  return 0;
}

function complain(problems: readonly string[]): number {
  for (const problem of problems) console.error(`azure-keyvault-csi node: ${problem}`);
  console.error("Try: azure-keyvault-csi node --help");
  return 2;
}
