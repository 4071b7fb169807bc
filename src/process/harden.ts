import { DriverError } from "../errors.ts";

/** prctl(2): whether the process may be dumped and traced by others of its user. */
const PR_SET_DUMPABLE = 4;
/** setrlimit(2): the largest core file. */
const RLIMIT_CORE = 4;

/**
 * Secrets pass through this process, so its memory shall not end in a core file nor be read by a debugger: no core
 * files, not dumpable (which also forbids ptrace and reading /proc/<pid>/mem to whoever lacks CAP_SYS_PTRACE).
 */
export async function hardenProcess(): Promise<void> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null);
  const prctl = libc.func("int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)");
  const setrlimit = libc.func("int setrlimit(int resource, const uint64_t *limits)");
  const refused = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0 || setrlimit(RLIMIT_CORE, [0, 0]) !== 0;
  if (refused) throw new DriverError("InvalidRequest", "the kernel refuses to make this process undumpable");
}

const DEBUGGING = /^--(inspect|heapsnapshot|report|heap-prof|cpu-prof|prof|debug|tls-keylog|trace-tls)/;

/** Options of Node (`_` is as good as `-` there, and quotes are nothing) that would open the memory of the process or its TLS keys to others. */
export function findDebugging(execArgv: readonly string[], nodeOptions: string): string | undefined {
  const options = [...execArgv, ...nodeOptions.replace(/["\\]/g, "").split(/\s+/)];
  return options.find((option) => DEBUGGING.test(option.replaceAll("_", "-")));
}
