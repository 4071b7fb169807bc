/** Things that are made when they are first wanted and dropped when they were not wanted for a while. */
export interface Kept<T> {
  /** The one under this key; an error of `make` keeps nothing. */
  take(key: string, make: () => T): T;
  /** Those that are kept now. */
  all(): readonly T[];
}

export interface KeptOptions<T> {
  readonly unusedMs: number;
  /** When there are more, the one that was wanted longest ago goes: keys come from users, who may invent any number. */
  readonly most: number;
  /** Kept on while this holds. */
  readonly isBusy?: (item: T) => boolean;
}

export function createKept<T>({ unusedMs, most, isBusy = () => false }: KeptOptions<T>): Kept<T> {
  const kept = new Map<string, { readonly item: T; readonly timer: NodeJS.Timeout }>();

  function drop(key: string): void {
    clearTimeout(kept.get(key)?.timer);
    kept.delete(key);
  }

  function makeRoom(): void {
    for (const [key, { item }] of kept) if (kept.size >= most && !isBusy(item)) drop(key);
  }

  return {
    all: () => [...kept.values()].map(({ item }) => item),
    take: (key, make) => {
      const found = kept.get(key);
      if (found !== undefined) {
        found.timer.refresh();
        // The order of a Map is that of insertion: the end is who was wanted last.
        kept.delete(key);
        kept.set(key, found);
        return found.item;
      }
      const item = make();
      makeRoom();
      const timer = setTimeout(() => {
        if (isBusy(item)) timer.refresh();
        else kept.delete(key);
      }, unusedMs).unref();
      kept.set(key, { item, timer });
      return item;
    },
  };
}
