/** Tells the demo's story: numbered steps with their time, what was seen, and whether it was what it should be. */
export interface Narrator {
  /** Runs one step; its time is printed with its title. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  show(text: string): void;
  /** Says that something holds, or throws: a demo that does not hold ends at once. */
  verify(claim: string, holds: boolean): void;
  /** Milliseconds since the story began. */
  elapsedMs(): number;
}

/** A long text in lines. */
export function wrapped(text: string): string {
  return text.replaceAll(/(.{1,110})(\s|$)/g, "$1\n");
}

export function createNarrator(write: (text: string) => void, colours: boolean): Narrator {
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const begun = performance.now();
  let steps = 0;
  return {
    step: async (title, work) => {
      const startedAt = performance.now();
      const result = await work();
      steps += 1;
      const took = paint(2, `${(performance.now() - startedAt).toFixed(0)} ms`);
      write(`\n${paint(1, `${steps}. ${title}`)}  ${took}\n`);
      return result;
    },
    show: (text) => {
      write(`${text.trimEnd().replace(/^/gm, "     ")}\n`);
    },
    verify: (claim, holds) => {
      if (!holds) throw new Error(`this should hold, and does not: ${claim}`);
      write(`   ${paint(32, "✓")} ${claim}\n`);
    },
    elapsedMs: () => performance.now() - begun,
  };
}
