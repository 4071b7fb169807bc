import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Nodes, Schedule } from "../ports.ts";

/** A pod that waits for the taint to go waits no longer than this beyond the plugin. */
const LOOK_PERIOD_MS = 1_000;
/** What fails is tried again after 1, 2, 4 … looks, and each minute in the end. */
const MOST_LOOKS_BETWEEN = 60;

/** A node that is kept from pods until its plugin is ready. */
export interface TaintedNode {
  readonly name: string;
  /** Key of the taint; its value and effect are whoever's who set it. */
  readonly taint: string;
  readonly isReady: () => boolean;
}

/**
 * Takes the startup taint from the node once the plugin is ready: pods that are scheduled before would wait for kubelet's
 * retries. Tries until it succeeded, at longer and longer intervals; a failure is logged once.
 */
export function liftStartupTaint(node: TaintedNode, nodes: Nodes, schedule: Schedule, log: Logger): AsyncDisposable {
  let done = false;
  let told = "";
  let failures = 0;
  let looksToSkip = 0;
  const looking = schedule.every(LOOK_PERIOD_MS, async (signal) => {
    if (done || !node.isReady() || looksToSkip-- > 0) return;
    try {
      const outcome = await nodes.removeTaint(node.name, node.taint, signal);
      done = true;
      log.info(`The startup taint ${node.taint} is ${outcome}`, { node: node.name });
    } catch (error) {
      const message = messageOf(error);
      if (message !== told)
        log.error(`the startup taint ${node.taint} stays for now`, { node: node.name, err: message });
      told = message;
      looksToSkip = Math.min(2 ** failures++, MOST_LOOKS_BETWEEN) - 1;
    }
  });
  return { [Symbol.asyncDispose]: () => looking.stop() };
}
