import { endianness } from "node:os";
import { DriverError } from "../errors.ts";

/** Zero, or why the kernel refused. */
export type Errno = number;

/** What statx(2) says of a path itself, links not followed. */
export interface PathFacts {
  readonly mode: number;
  /** Whether a mount stands on the path; undefined where the kernel (before 5.8) cannot tell. */
  readonly isMountRoot: boolean | undefined;
}

/** The system calls that Node has no function for. All are synchronous: microseconds each, and errno is per thread. */
export interface Kernel {
  readonly pageSize: number;
  /** Mounts a filesystem that has no device. */
  mount(type: string, target: string, flags: number, data: string): Errno;
  umount2(target: string, flags: number): Errno;
  statx(path: string): PathFacts | Errno;
}

/** Flags of mount(2). */
export const mountFlags = { nosuid: 2, nodev: 4 } as const;
/** Flags of umount2(2). */
export const unmountFlags = { detach: 2, noFollow: 8 } as const;

const atCurrentDirectory = -100;
// A link is looked at itself, nothing is mounted by looking, and no server behind a mount is asked.
const lookFlags = 0x100 | 0x800 | 0x4000;
const typeAndMode = 3;
const statxBytes = 256;
const mountRootBit = 0x2000n;

const isLittleEndian = endianness() === "LE";

type Call = (...args: readonly (string | number | Buffer)[]) => number;

/**
 * Loads the calls out of the C library that this process already uses. Throws when the foreign-function library has no
 * build for this platform: without it no volume can be mounted.
 */
export async function loadKernel(): Promise<Kernel> {
  try {
    const { default: koffi } = await import("koffi");
    const libc = koffi.load(null);
    const errno = (result: number): Errno => (result === 0 ? 0 : koffi.errno());
    const mount: Call = libc.func("int mount(const char *, const char *, const char *, unsigned long, const char *)");
    const umount2: Call = libc.func("int umount2(const char *, int)");
    const statx: Call = libc.func("int statx(int, const char *, int, unsigned int, _Out_ uint8_t *)");
    const getpagesize: Call = libc.func("int getpagesize()");
    return {
      pageSize: getpagesize(),
      mount: (type, target, flags, data) => errno(mount(type, target, type, flags, data)),
      umount2: (target, flags) => errno(umount2(target, flags)),
      statx: (path) => {
        const answer = Buffer.alloc(statxBytes);
        const failed = errno(statx(atCurrentDirectory, path, lookFlags, typeAndMode, answer));
        return failed === 0 ? readStatx(answer) : failed;
      },
    };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new DriverError("MountFailed", `koffi, which makes the mount calls, cannot be loaded: ${because}`, {
      cause: error,
    });
  }
}

/** Reads the kernel's `struct statx`: the same offsets everywhere, in the machine's byte order. */
export function readStatx(answer: Uint8Array): PathFacts {
  const view = new DataView(answer.buffer, answer.byteOffset);
  const attributes = view.getBigUint64(8, isLittleEndian);
  const known = view.getBigUint64(56, isLittleEndian);
  const mode = view.getUint16(28, isLittleEndian);
  return { mode, isMountRoot: (known & mountRootBit) === 0n ? undefined : (attributes & mountRootBit) !== 0n };
}
