import type { Clock } from "../../ports.ts";
import { createKept } from "../../sharing/kept.ts";
import { createShared, type Flight, type Shared } from "../../sharing/shared.ts";
import { createBudget, type Budget } from "./budget.ts";
import { identityKey, type ServicePrincipal } from "./identity.ts";
import { createKeyholder, UNUSED_MS, type Keyholder } from "./keyholder.ts";
import type { Transport } from "./transport.ts";
import type { VaultAddress } from "./vault-address.ts";
import type { CertificateBundle, KeyBundle, OpenVault, SecretBundle, Vault } from "./vault.ts";

/** More identities, or more vaults, than a node has pods. */
const MOST_KEPT = 500;

export interface VaultsOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: () => number;
}

/** An identity, and the answers that are on their way or have just arrived under it. */
interface Desk {
  readonly key: string;
  readonly holder: Keyholder;
  readonly secrets: Shared<SecretBundle>;
  readonly keys: Shared<KeyBundle>;
  readonly certificates: Shared<CertificateBundle>;
}

type Call<T> = (vault: Vault, name: string, version: string, signal: AbortSignal) => Promise<T>;

/**
 * The vaults of this node's pods: one credential per identity, one client per identity and vault, one fetch per identity
 * and object however many ask at the same time, and one budget per vault whoever asks (design section 5).
 */
export function createVaults(options: VaultsOptions): OpenVault {
  const desks = createKept<Desk>({ unusedMs: UNUSED_MS, most: MOST_KEPT });
  const budgets = createKept<Budget>({ unusedMs: UNUSED_MS, most: MOST_KEPT, isBusy: (budget) => budget.isBusy() });
  const { clock, random, transport } = options;
  return (address, identity, freshness) => {
    const desk = desks.take(identityKey(identity), () => createDesk(identity, options));
    // Host names are the same in any case.
    const { href } = new URL(address.url);
    const budgetOf = (): Budget => budgets.take(href, () => createBudget({ vaultName: address.name, clock, random }));
    const through =
      <T>(shared: Shared<T>, call: Call<T>) =>
      (name: string, version: string, signal: AbortSignal): Promise<T> =>
        shared.ask(JSON.stringify([href, name, version]), freshness, signal, (flight) =>
          fly({ flight, desk, budgetOf, address, limitMs: transport.timeoutMs }, (vault, limited) =>
            call(vault, name, version, limited),
          ),
        );
    return {
      secret: through(desk.secrets, (vault, ...question) => vault.secret(...question)),
      key: through(desk.keys, (vault, ...question) => vault.key(...question)),
      certificate: through(desk.certificates, (vault, ...question) => vault.certificate(...question)),
    };
  };
}

function createDesk(identity: ServicePrincipal, options: VaultsOptions): Desk {
  const { clock } = options;
  return {
    key: identityKey(identity),
    holder: createKeyholder(identity, options),
    secrets: createShared(clock),
    keys: createShared(clock),
    certificates: createShared(clock),
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

/** The token first: a token service that does not answer takes no place at the vault. Then all of it within one limit. */
async function fly<T>(
  { flight, desk, budgetOf, address, limitMs }: Journey,
  question: (vault: Vault, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await desk.holder.ready(address, flight.signal);
  return budgetOf().run(flight, desk.key, () => {
    const limited = AbortSignal.any([flight.signal, AbortSignal.timeout(limitMs)]);
    return desk.holder.ask(address, (vault) => question(vault, limited));
  });
}
