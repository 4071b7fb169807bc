import type { Metrics, VaultRequest } from "../../ports.ts";
import { createKept } from "../../sharing/kept.ts";
import { createShared, type Flight, type Shared } from "../../sharing/shared.ts";
import { createBudget, type Budget } from "./budget.ts";
import { identityKey, type Identity } from "./identity.ts";
import { UNUSED_MS, type HolderOf, type Keyholder } from "./keyholder.ts";
import type { ThrottleOptions } from "./throttle.ts";
import type { VaultAddress } from "./vault-address.ts";
import type { CertificateBundle, KeyBundle, OpenVault, SecretBundle, Vault, VaultVersion } from "./vault.ts";

/** More identities, or more vaults, than a node has pods. */
const MOST_KEPT = 500;

export interface VaultsOptions extends ThrottleOptions {
  readonly holderOf: HolderOf;
  /** How long the vault may take for one request, from when it leaves. */
  readonly requestTimeoutMs: number;
  readonly metrics: Pick<Metrics, "vaultRequest" | "watchVaults">;
}

/** An identity, and the answers that are on their way or have just arrived under it. */
interface Desk {
  readonly key: string;
  readonly holder: Keyholder;
  readonly secrets: Shared<SecretBundle>;
  readonly keys: Shared<KeyBundle>;
  readonly certificates: Shared<CertificateBundle>;
  readonly versions: Shared<readonly VaultVersion[]>;
}

/**
 * The vaults of this node's pods: one credential per identity, one client per identity and vault, one fetch per identity
 * and object however many ask at the same time, and one budget per vault whoever asks (design section 5).
 */
export function createVaults(options: VaultsOptions): OpenVault {
  const desks = createKept<Desk>({ unusedMs: UNUSED_MS, most: MOST_KEPT });
  const budgets = createKept<Budget>({ unusedMs: UNUSED_MS, most: MOST_KEPT, isBusy: (budget) => budget.isBusy() });
  const { requestTimeoutMs: limitMs, metrics } = options;
  metrics.watchVaults(() => budgets.all().map((budget) => ({ source: budget, ...budget.load() })));
  return (address, identity, freshness) => {
    const desk = desks.take(identityKey(identity), () => createDesk(identity, options));
    desk.holder.admit(identity);
    // Host names are the same in any case.
    const { href } = new URL(address.url);
    const budgetOf = (): Budget => budgets.take(href, () => createBudget({ ...options, vaultName: address.name }));
    const through = <T>(
      shared: Shared<T>,
      question: Question,
      signal: AbortSignal,
      call: (vault: Vault, signal: AbortSignal) => Promise<T>,
    ): Promise<T> =>
      shared.ask(JSON.stringify([href, question]), freshness, signal, (flight) =>
        measured(question, metrics, () => fly({ flight, desk, budgetOf, address, limitMs }, call)),
      );
    return {
      secret: (name, version, signal) =>
        through(desk.secrets, { type: "secret", name, version }, signal, (vault, ends) =>
          vault.secret(name, version, ends),
        ),
      key: (name, version, signal) =>
        through(desk.keys, { type: "key", name, version }, signal, (vault, ends) => vault.key(name, version, ends)),
      certificate: (name, version, signal) =>
        through(desk.certificates, { type: "cert", name, version }, signal, (vault, ends) =>
          vault.certificate(name, version, ends),
        ),
      versions: (collection, name, signal) =>
        through(desk.versions, { type: types[collection], name, version: "versions" }, signal, (vault, ends) =>
          vault.versions(collection, name, ends),
        ),
    };
  };
}

/** What is shared: an object of a vault, by its parts. */
interface Question {
  readonly type: VaultRequest["objectType"];
  readonly name: string;
  readonly version: string;
}

const types = { secrets: "secret", keys: "key", certificates: "cert" } as const;

async function measured<T>(
  { type, name }: Question,
  metrics: VaultsOptions["metrics"],
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const tell = (error?: unknown): void => {
    metrics.vaultRequest({ objectType: type, objectName: name, durationMs: performance.now() - startedAt, error });
  };
  try {
    const answer = await work();
    tell();
    return answer;
  } catch (error) {
    tell(error);
    throw error;
  }
}

function createDesk(identity: Identity, { holderOf, clock }: VaultsOptions): Desk {
  return {
    key: identityKey(identity),
    holder: holderOf(identity),
    secrets: createShared(clock),
    keys: createShared(clock),
    certificates: createShared(clock),
    versions: createShared(clock),
  };
}

interface Journey {
  readonly flight: Flight;
  readonly desk: Desk;
  /** Asked for when it is needed, so that one which is waited for is never dropped meanwhile. */
  readonly budgetOf: () => Budget;
  readonly address: VaultAddress;
  readonly limitMs: number;
}

/** A token service that does not answer takes no place at the vault; once there, all of it ends within one limit. */
function fly<T>(
  { flight, desk, budgetOf, address, limitMs }: Journey,
  question: (vault: Vault, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const visit = {
    address,
    within: (turn: () => Promise<T>) => budgetOf().run(flight, desk.key, turn),
    question: (vault: Vault) => question(vault, AbortSignal.any([flight.signal, AbortSignal.timeout(limitMs)])),
  };
  return desk.holder.ask(visit, flight.signal);
}
