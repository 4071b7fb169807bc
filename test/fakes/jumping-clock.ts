/**
 * Preloaded into the plugin by a test: each SIGUSR2 sets its time of day by $JUMP_MS, and stderr says so. Timers and the
 * monotonic clock go on as they were, as on a node whose clock is set.
 */
const RealDate = Date;
let jumpedMs = 0;

function now(): number {
  return RealDate.now() + jumpedMs;
}

globalThis.Date = new Proxy(RealDate, {
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
});

process.on("SIGUSR2", () => {
  jumpedMs += Number(process.env["JUMP_MS"]);
  process.stderr.write("the clock jumped\n");
});
