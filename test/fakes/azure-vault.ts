import { DriverError } from "../../src/errors.ts";
import type {
  CertificateBundle,
  KeyBundle,
  SecretBundle,
  Vault,
  VaultVersion,
} from "../../src/provider/azure/vault.ts";

type Bundles = Readonly<Record<string, SecretBundle & KeyBundle & CertificateBundle>>;

/** A vault that answers from a table, `<kind>/<name>`, and remembers what it was asked: `<kind>/<name>/<version>`. */
export interface FakeVault extends Vault {
  readonly asked: readonly string[];
}

/** What the tables do not hold is refused as not found. The second holds lists of versions, `<collection>/<name>`. */
export function createFakeVault(
  bundles: Bundles,
  lists: Readonly<Record<string, readonly VaultVersion[]>> = {},
): FakeVault {
  const asked: string[] = [];
  const answer = (kind: string) => async (name: string, version: string) => {
    asked.push(`${kind}/${name}/${version}`);
    const bundle = bundles[`${kind}/${name}`];
    if (bundle === undefined) throw new DriverError("ProviderError", `no ${kind} ${name}`);
    return Promise.resolve(bundle);
  };
  return {
    asked,
    secret: answer("secret"),
    key: answer("key"),
    certificate: answer("cert"),
    async versions(collection, name) {
      asked.push(`${collection}/${name}/versions`);
      const list = lists[`${collection}/${name}`];
      if (list === undefined) throw new DriverError("ProviderError", `no ${collection} ${name}`);
      return Promise.resolve(list);
    },
  };
}

/** The id under which a vault knows a version of an object. */
export function idOf(collection: string, name: string, version: string): string {
  return `https://kv1.vault.azure.net/${collection}/${name}/${version}`;
}
