/** What the plugin's service account may do: verb and plural, as the chart gives it. */
export interface Rights {
  has(verb: string, plural: string): boolean;
  /** Those that come with secrets-store-csi-driver.syncSecret.enabled=true; not given at first. */
  grantSecretSync(granted: boolean): void;
}

const always: ReadonlySet<string> = new Set([
  "get secretproviderclasses",
  "get secretproviderclasspodstatuses",
  "create secretproviderclasspodstatuses",
  "patch secretproviderclasspodstatuses",
  "create events",
  "patch events",
]);
const forSecretSync: ReadonlySet<string> = new Set(["get pods", "get secrets", "create secrets", "patch secrets"]);

export function createRights(): Rights {
  let syncs = false;
  return {
    has: (verb, plural) => {
      const right = `${verb} ${plural}`;
      return always.has(right) || (syncs && forSecretSync.has(right));
    },
    grantSecretSync: (granted) => {
      syncs = granted;
    },
  };
}
