/** One command of the program; resolves to the exit code: 0 done, 1 failed, 2 usage. */
export type Command = (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

/** Prints what was asked for. */
export function say(text: string): number {
  console.log(text);
  return 0;
}

/** Says all that is wrong with a command line. */
export function complain(name: string, problems: readonly string[]): number {
  for (const problem of problems) console.error(`azure-keyvault-csi ${name}: ${problem}`);
  console.error(`Try: azure-keyvault-csi ${name} --help`);
  return 2;
}
