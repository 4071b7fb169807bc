import * as nodeFs from "node:fs";
import type { FileSystem } from "../../src/files/file-system.ts";

/** node:fs, counted call by call, that fails from the n-th call on. */
export interface StoppableFs {
  readonly fs: FileSystem;
  calls(): number;
}

/**
 * What the program is like that is killed at the n-th call: no later call has an effect, clean-up included. With
 * `once`, that one call alone fails, as when memory runs out for a moment. Descriptors are closed in any case, which is
 * what a dying process does too.
 */
export function stoppableFs(stopAt: number, mode: "for good" | "once"): StoppableFs {
  let calls = 0;
  const refuses = (): boolean => {
    calls++;
    return mode === "once" ? calls === stopAt : calls >= stopAt;
  };
  const fs = new Proxy(nodeFs, {
    get: (target, name) => {
      const real = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]): unknown => {
        const refused = refuses();
        if (!refused || name === "closeSync") return real(...args);
        throw Object.assign(new Error("EIO: stopped by the test"), { code: "EIO", errno: -5, syscall: String(name) });
      };
    },
  });
  return { fs, calls: () => calls };
}
