import type { Errno, Kernel, PathFacts } from "../../src/mount/kernel.ts";

/** A kernel that records its calls and answers as told; looks fall back to a plain directory. */
export interface FakeKernel extends Kernel {
  readonly calls: readonly string[];
}

export interface Answers {
  readonly mount?: Errno;
  readonly unmount?: readonly Errno[];
  readonly looks?: readonly (PathFacts | Errno)[];
}

export const aDirectory: PathFacts = { mode: 0o40750, isMountRoot: false };
export const aMount: PathFacts = { mode: 0o40755, isMountRoot: true };

export function createFakeKernel({ mount = 0, unmount = [], looks = [] }: Answers = {}): FakeKernel {
  const calls: string[] = [];
  const unmountAnswers = [...unmount];
  const lookAnswers = [...looks];
  return {
    calls,
    pageSize: 4096,
    mount: (type, target, flags, data) => {
      calls.push(`mount ${type} ${target} ${flags} ${data}`);
      return mount;
    },
    umount2: (target, flags) => {
      calls.push(`umount2 ${target} ${flags}`);
      return unmountAnswers.shift() ?? 0;
    },
    statx: () => lookAnswers.shift() ?? aDirectory,
  };
}
