import { DriverError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import type { ServiceAccountToken } from "./service-account-token.ts";

/** Pods of one service account, each with a token of its own: so many are kept in reserve. */
const MOST_KEPT = 8;

/** The service account tokens by which one identity can prove itself; each pod that mounts or is republished brings one. */
export interface Assertions {
  add(token: ServiceAccountToken): void;
  /** The one that lasts longest. Throws InvalidRequest when all have expired. */
  best(): ServiceAccountToken;
  /**
   * It was refused (its pod may be gone): whether there is another one to try. Then the refused one is off the record; a
   * last one stays, since what was wrong may have been mended when it is offered again.
   */
  drop(token: ServiceAccountToken): boolean;
}

/** None yet. */
export function createAssertions(clock: Clock): Assertions {
  /** The one that lasts longest is first. */
  let record: readonly ServiceAccountToken[] = [];
  const unexpired = (): readonly ServiceAccountToken[] => record.filter(({ expiresAt }) => expiresAt > clock());
  const without = ({ value }: ServiceAccountToken): readonly ServiceAccountToken[] =>
    unexpired().filter((token) => token.value !== value);
  return {
    add: (token) => {
      const all = [token, ...without(token)];
      record = all.sort((a, b) => b.expiresAt.getTime() - a.expiresAt.getTime()).slice(0, MOST_KEPT);
    },
    best: () => {
      record = unexpired();
      const [best] = record;
      if (best !== undefined) return best;
      throw new DriverError(
        "InvalidRequest",
        "the service account tokens on record have expired: kubelet hands over a new one at its next attempt",
      );
    },
    drop: (token) => {
      const others = without(token);
      if (others.length > 0) record = others;
      return others.length > 0;
    },
  };
}
