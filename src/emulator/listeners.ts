import { listen, type Handler, type Listener, type ListenOptions } from "./listener.ts";

/** Listeners that stop together: all of them when one cannot start, so that nothing is left half open. */
export interface Listeners {
  /** Starts to serve; gives the port. */
  add(handler: Handler, options: ListenOptions): Promise<number>;
  stop(): Promise<void>;
}

/** None yet. */
export function createListeners(): Listeners {
  const started: Listener[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((listener) => listener.stop()));
  };
  return {
    add: async (handler, options) => {
      try {
        const listener = await listen(handler, options);
        started.push(listener);
        return listener.port;
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}
