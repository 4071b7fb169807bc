/** Things that are made when they are first wanted and dropped when they were not wanted for a while. */
export interface Kept<T> {
  /** The one under this key; an error of `make` keeps nothing. */
  take(key: string, make: () => T): T;
  /** Those that are kept now. */
  all(): readonly T[];
}

export interface KeptOptions<T> {
  readonly unusedMs: number;
  /** When there are more, those that were wanted longest ago go: keys come from users, who may invent any number. */
  readonly most: number;
  /** What one counts for; by default 1. */
  readonly weightOf?: (key: string) => number;
  /** Kept on while this holds. */
  readonly isBusy?: (item: T) => boolean;
}

export function createKept<T>(options: KeptOptions<T>): Kept<T> {
  const { unusedMs, most, weightOf = () => 1, isBusy = () => false } = options;
  const kept = new Map<string, { readonly item: T; readonly timer: NodeJS.Timeout }>();
  let weight = 0;

  function drop(key: string): void {
    clearTimeout(kept.get(key)?.timer);
    kept.delete(key);
    weight -= weightOf(key);
  }

  function makeRoom(wanted: number): void {
    for (const [key, { item }] of kept) if (weight + wanted > most && !isBusy(item)) drop(key);
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
      makeRoom(weightOf(key));
      const timer = setTimeout(() => {
        if (isBusy(item)) timer.refresh();
        else drop(key);
      }, unusedMs).unref();
      kept.set(key, { item, timer });
      weight += weightOf(key);
      return item;
    },
  };
}
