import { DriverError } from "../../src/errors.ts";
import { VaultRefusal } from "../../src/provider/azure/vault-refusal.ts";
import type { Flight } from "../../src/sharing/shared.ts";

/** How a request ends; "break" is no answer of the vault. */
export type Reply =
  "answer" | "fail" | "break" | { readonly throttle: true; readonly retryAfterMs: number | undefined };

/** A request that is at the vault, or was. */
export interface ScriptedRequest {
  readonly name: string;
  readonly leftAt: number;
  readonly flight: Flight;
  readonly priority: "mount" | "rotation";
  /** How it ended; "left" when nobody waited any more. */
  end: Reply | "left" | undefined;
  reply(how: Reply): void;
}

/** A vault that does to each request what the test says; a request hangs until then. */
export interface VaultScript {
  /** Sends; the answer is the name. */
  send(flight: Flight, name: string): Promise<string>;
  readonly sent: readonly ScriptedRequest[];
  /** Those that are at the vault now. */
  open(): ScriptedRequest[];
}

export interface VaultScriptOptions {
  /** Whether a request that nobody waits for ends at once, as with the SDK; otherwise it lags until the vault replies. */
  readonly lags?: (name: string) => boolean;
  readonly onSend?: (request: ScriptedRequest) => void;
}

export function createVaultScript({ lags = () => false, onSend }: VaultScriptOptions = {}): VaultScript {
  const sent: ScriptedRequest[] = [];
  return {
    send: (flight, name) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const finish = (how: Reply | "left"): void => {
        request.end ??= how;
        if (how === "answer") resolve(name);
        else reject(failureOf(how));
      };
      const request: ScriptedRequest = {
        ...{ name, flight, leftAt: Date.now(), priority: flight.priority(), end: undefined, reply: finish },
      };
      flight.signal.addEventListener("abort", () => {
        if (!lags(name)) finish("left");
      });
      promise.catch(() => undefined);
      sent.push(request);
      onSend?.(request);
      return promise;
    },
    sent,
    open: () => sent.filter(({ end }) => end === undefined),
  };
}

function failureOf(how: Exclude<Reply, "answer"> | "left"): DriverError {
  if (how === "fail") return new VaultRefusal("the vault is out of order", 503, undefined);
  if (how === "break") return new DriverError("ProviderUnavailable", "the connection broke");
  if (how === "left") return new DriverError("DeadlineExceeded", "no answer before the deadline");
  return new VaultRefusal("too many requests", 429, how.retryAfterMs);
}

/** A 429. */
export function throttle(retryAfterMs?: number): Reply {
  return { throttle: true, retryAfterMs };
}
