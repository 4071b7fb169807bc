import { expect, test } from "vitest";
import { findDebugging } from "../../../src/process/harden.ts";

test.each([
  [["--inspect"], "", "--inspect"],
  [["--inspect-brk=0.0.0.0:9229"], "", "--inspect-brk=0.0.0.0:9229"],
  [[], "--max-old-space-size=64  --inspect=9229", "--inspect=9229"],
  [[], "--heapsnapshot-signal=SIGUSR2", "--heapsnapshot-signal=SIGUSR2"],
  [[], "--report-on-signal", "--report-on-signal"],
  [["--heap-prof"], "", "--heap-prof"],
  [[], "--heapsnapshot_signal=SIGUSR2", "--heapsnapshot_signal=SIGUSR2"],
  [[], "--heapsnapshot-near-heap-limit=2", "--heapsnapshot-near-heap-limit=2"],
  [[], "--tls-keylog=f", "--tls-keylog=f"],
  [[], "--report-uncaught-exception", "--report-uncaught-exception"],
  [["--cpu-prof"], "", "--cpu-prof"],
  [["--debug-port=1"], "", "--debug-port=1"],
  [[], "--trace-tls", "--trace-tls"],
  [[], '"--inspect" --use-system-ca', "--inspect"],
])("execArgv %j and NODE_OPTIONS %j open the memory by %s", (execArgv, nodeOptions, found) => {
  expect(findDebugging(execArgv, nodeOptions)).toBe(found);
});

test.each([
  [[], ""],
  [["--disable-sigusr1", "--max-old-space-size=64"], "--use-system-ca"],
])("execArgv %j and NODE_OPTIONS %j open nothing", (execArgv, nodeOptions) => {
  expect(findDebugging(execArgv, nodeOptions)).toBeUndefined();
});
