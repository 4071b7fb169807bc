/** What the user did wrong, and below it what to do. */
export class UsageError extends Error {}
