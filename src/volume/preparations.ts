/** Targets that are mounted for a provider which was asked for their content and has not answered. */
export interface Preparations {
  /** Whether the files that stand there may be half of what the provider is writing. */
  isUnderWay(targetPath: string): boolean;
  /** One more caller waits. */
  begin(targetPath: string): Preparation;
}

export interface Preparation {
  /** Whether what is mounted there was mounted for this. */
  mountedForIt: boolean;
  /** A caller waits no longer; whether it was the last. */
  end(): boolean;
}

export function createPreparations(): Preparations {
  const underWay = new Map<string, { readonly preparation: Preparation; callers: number }>();

  function end(targetPath: string): boolean {
    const entry = underWay.get(targetPath);
    if (entry === undefined) return true;
    entry.callers -= 1;
    if (entry.callers === 0) underWay.delete(targetPath);
    return entry.callers === 0;
  }

  return {
    isUnderWay: (targetPath) => underWay.has(targetPath),
    begin: (targetPath) => {
      const preparation = { mountedForIt: false, end: () => end(targetPath) };
      const entry = underWay.get(targetPath) ?? { callers: 0, preparation };
      entry.callers += 1;
      underWay.set(targetPath, entry);
      return entry.preparation;
    },
  };
}
