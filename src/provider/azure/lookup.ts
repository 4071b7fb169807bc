import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import PQueue from "p-queue";

/** A name that has no address by then has none for this connection. */
const LOOKUP_LIMIT_MS = 1_000;

type Resolve = (host: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;

/** Of the 16 threads that the image gives (UV_THREADPOOL_SIZE): files are written by the same. */
const MOST_AT_ONCE = 8;

/** A look-up that is under way or waits for a thread, and how many connections wait for it. */
interface Search {
  readonly found: Promise<readonly LookupAddress[]>;
  readonly connections: { waiting: number };
}

/**
 * Looks names up for connections, one look-up at a time for each host and few in all: the system's runs in a thread, and a
 * resolver that does not answer would otherwise take all of them. After 1 s the connection fails with EAI_AGAIN; a look-up
 * that nobody waits for any more is not begun.
 */
export function createLookup(
  resolve: Resolve = (host, done) => {
    systemLookup(host, { all: true }, done);
  },
): LookupFunction {
  const threads = new PQueue({ concurrency: MOST_AT_ONCE });
  const searches = new Map<string, Search>();

  function start(host: string): Search {
    const connections = { waiting: 1 };
    const found = threads.add(() => (connections.waiting > 0 ? find(host, resolve) : Promise.reject(tooLate())));
    const search = { found, connections };
    searches.set(host, search);
    const done = (): void => void searches.delete(host);
    found.then(done, done);
    return search;
  }

  return (host, { all }, callback) => {
    const joined = searches.get(host);
    if (joined !== undefined) joined.connections.waiting += 1;
    const { found, connections } = joined ?? start(host);
    const limit = setTimeout(() => {
      answer(tooLate(), []);
    }, LOOKUP_LIMIT_MS);
    let answered = false;
    const answer = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void => {
      clearTimeout(limit);
      if (answered) return;
      answered = true;
      connections.waiting -= 1;
      const [first] = addresses;
      if (all === true || error !== null || first === undefined) callback(error, [...addresses]);
      else callback(null, first.address, first.family);
    };
    found.then(
      (addresses) => {
        answer(null, addresses);
      },
      (error: unknown) => {
        answer(error as NodeJS.ErrnoException, []);
      },
    );
  };
}

function tooLate(): Error {
  return Object.assign(new Error("the name was not looked up in time"), { code: "EAI_AGAIN" });
}

function find(host: string, resolve: Resolve): Promise<readonly LookupAddress[]> {
  return new Promise((settle, fail) => {
    resolve(host, (error, addresses) => {
      if (error) fail(error);
      else if (addresses.length > 0) settle(addresses);
      // Node's connections end the process over an empty list.
      else fail(Object.assign(new Error("the name has no address"), { code: "EAI_NODATA" }));
    });
  });
}
