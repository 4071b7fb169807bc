/** One command of the program; resolves to the exit code: 0 done, 1 failed, 2 usage. */
export type Command = (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;
