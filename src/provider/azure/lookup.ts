import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** A name that has no address by then has none for this connection. */
const LOOKUP_LIMIT_MS = 1_000;

type Resolve = (host: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;

/**
 * Looks names up for connections, one look-up at a time for each host: the system's runs in a thread, and a resolver that
 * does not answer would otherwise take a thread for every connection. After 1 s the connection fails with EAI_AGAIN.
 */
export function createLookup(
  resolve: Resolve = (host, done) => {
    systemLookup(host, { all: true }, done);
  },
): LookupFunction {
  const running = new Map<string, Promise<readonly LookupAddress[]>>();

  function start(host: string): Promise<readonly LookupAddress[]> {
    const found = new Promise<readonly LookupAddress[]>((settle, fail) => {
      resolve(host, (error, addresses) => {
        if (error) fail(error);
        else if (addresses.length > 0) settle(addresses);
        // Node's connections end the process over an empty list.
        else fail(Object.assign(new Error("the name has no address"), { code: "EAI_NODATA" }));
      });
    });
    running.set(host, found);
    const done = (): void => void running.delete(host);
    found.then(done, done);
    return found;
  }

  return (host, { all }, callback) => {
    const limit = setTimeout(() => {
      answer(Object.assign(new Error("the name was not looked up in time"), { code: "EAI_AGAIN" }), []);
    }, LOOKUP_LIMIT_MS);
    let answered = false;
    const answer = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void => {
      clearTimeout(limit);
      if (answered) return;
      answered = true;
      const [first] = addresses;
      if (all === true || error !== null || first === undefined) callback(error, [...addresses]);
      else callback(null, first.address, first.family);
    };
    (running.get(host) ?? start(host)).then(
      (addresses) => {
        answer(null, addresses);
      },
      (error: unknown) => {
        answer(error as NodeJS.ErrnoException, []);
      },
    );
  };
}
