/** What gives memory back that the process does not use. It takes some 60 ms in which nothing else runs. */
export type ReleaseMemory = () => void;

/**
 * Garbage of V8, including what it keeps for speed, and what malloc keeps for later, go back to the node. V8's part needs
 * Node's `--expose-gc`, malloc's glibc; without either there is less to give back.
 */
export async function loadReleaseMemory(): Promise<ReleaseMemory> {
  const { default: koffi } = await import("koffi");
  const trim = findTrim(() => koffi.load(null).func("int malloc_trim(size_t)") as (pad: number) => number);
  return () => {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    trim(0);
  };
}

function findTrim(find: () => (pad: number) => number): (pad: number) => number {
  try {
    return find();
  } catch {
    return () => 0;
  }
}
