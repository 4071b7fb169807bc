import type { ChartValues, ReleaseDetail, ReleaseStatus, ReleaseSummary } from "../release-model.ts";
import { isAtOrBelow } from "./setting-path.ts";
import { isMap, settingsIn } from "./values.ts";

/** What an extension is known by beside its release; kept among the release's values. */
export interface Identity {
  readonly clusterName?: string | undefined;
  readonly resourceGroup?: string | undefined;
  readonly subscription?: string | undefined;
  readonly extensionType?: string | undefined;
  readonly releaseTrain?: string | undefined;
  readonly autoUpgradeMinorVersion?: boolean | undefined;
}

/** The state of an extension, in Azure's words. */
export type ProvisioningState = "Succeeded" | "Failed" | "Creating" | "Updating" | "Deleting" | null;

/** An extension as the tutorial prints it: its keys, in its order. Null is what neither user nor cluster said. */
export interface ExtensionRecord {
  readonly aksAssignedIdentity: null;
  readonly autoUpgradeMinorVersion: boolean;
  /** Names alone. */
  readonly configurationProtectedSettings: Readonly<Record<string, "">>;
  readonly configurationSettings: Readonly<Record<string, string>>;
  readonly customLocationSettings: null;
  readonly errorInfo: { readonly code: string; readonly message: string } | null;
  readonly extensionType: string | null;
  readonly id: string | null;
  readonly identity: { readonly principalId: null; readonly tenantId: null; readonly type: null };
  readonly location: null;
  readonly name: string;
  readonly packageUri: null;
  readonly provisioningState: ProvisioningState;
  readonly releaseTrain: string | null;
  readonly resourceGroup: string | null;
  readonly scope: { readonly cluster: { readonly releaseNamespace: string }; readonly namespace: null };
  readonly statuses: readonly [];
  readonly systemData: {
    readonly createdAt: string | null;
    readonly createdBy: null;
    readonly createdByType: null;
    readonly lastModifiedAt: string | null;
    readonly lastModifiedBy: null;
    readonly lastModifiedByType: null;
  };
  readonly type: typeof EXTENSIONS;
  readonly version: string;
}

/** Azure's type of resource. */
export const EXTENSIONS = "Microsoft.KubernetesConfiguration/extensions";

const states: Readonly<Record<ReleaseStatus, ProvisioningState>> = {
  deployed: "Succeeded",
  failed: "Failed",
  "pending-install": "Creating",
  "pending-upgrade": "Updating",
  "pending-rollback": "Updating",
  uninstalling: "Deleting",
  unknown: null,
};

export function recordOf(
  { ref, version }: Pick<ReleaseSummary, "ref" | "version">,
  detail: ReleaseDetail,
): ExtensionRecord {
  const { values, status } = detail;
  const identity = identityIn(values);
  const hidden = protectedIn(values);
  return {
    aksAssignedIdentity: null,
    autoUpgradeMinorVersion: identity.autoUpgradeMinorVersion ?? false,
    configurationProtectedSettings: Object.fromEntries(hidden.map((name) => [name, ""])),
    configurationSettings: Object.fromEntries(shownSettings(values, hidden)),
    customLocationSettings: null,
    errorInfo: status === "failed" ? { code: "HelmFailed", message: WHERE_TO_LOOK } : null,
    extensionType: identity.extensionType?.toLowerCase() ?? null,
    id: idOf(ref.name, identity),
    identity: { principalId: null, tenantId: null, type: null },
    location: null,
    name: ref.name,
    packageUri: null,
    provisioningState: states[status],
    releaseTrain: identity.releaseTrain ?? null,
    resourceGroup: identity.resourceGroup ?? null,
    scope: { cluster: { releaseNamespace: ref.namespace }, namespace: null },
    statuses: [],
    systemData: {
      createdAt: inMicroseconds(detail.firstDeployed),
      createdBy: null,
      createdByType: null,
      lastModifiedAt: inMicroseconds(detail.lastDeployed),
      lastModifiedBy: null,
      lastModifiedByType: null,
    },
    type: EXTENSIONS,
    version,
  };
}

/** Helm's own sentence may quote what was set. */
const WHERE_TO_LOOK = "the last revision failed: helm history tells why, and create or update tries again";

/** What the values say of the extension itself. */
export function identityIn(values: ChartValues): Identity {
  const kept = isMap(values["extension"]) ? values["extension"] : {};
  const text = (name: string): string | undefined => {
    const value = kept[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return {
    clusterName: text("clusterName"),
    resourceGroup: text("resourceGroup"),
    subscription: text("subscription"),
    extensionType: text("type"),
    releaseTrain: text("releaseTrain"),
    autoUpgradeMinorVersion: kept["autoUpgradeMinorVersion"] === true,
  };
}

/** Names of the protected settings. */
export function protectedIn(values: ChartValues): readonly string[] {
  const names = isMap(values["extension"]) ? values["extension"]["protectedSettings"] : undefined;
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/** The values with what is known of the extension in them; what is not said stays as it was. */
export function withIdentity(
  values: ChartValues,
  identity: Identity,
  protectedSettings: readonly string[],
): ChartValues {
  const { clusterName, resourceGroup, subscription, extensionType, releaseTrain, autoUpgradeMinorVersion } = identity;
  const now = { clusterName, resourceGroup, subscription, type: extensionType, releaseTrain, autoUpgradeMinorVersion };
  const before = isMap(values["extension"]) ? values["extension"] : {};
  return { ...values, extension: { ...before, ...said(now), protectedSettings } };
}

function said(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What is set and not protected: nothing at, above or below a protected place. */
function shownSettings(values: ChartValues, hidden: readonly string[]): readonly (readonly [string, string])[] {
  return settingsIn({ ...values, extension: {} }).filter(
    ([name]) => name !== "extension" && !hidden.some((other) => isAtOrBelow(name, other) || isAtOrBelow(other, name)),
  );
}

/** Azure's nil where no subscription was said, so that the parts of an id stand where they do in Azure. */
function idOf(name: string, { clusterName, resourceGroup, subscription }: Identity): string | null {
  if (clusterName === undefined || resourceGroup === undefined) return null;
  const cluster = `Microsoft.Kubernetes/connectedClusters/${clusterName}`;
  const group = `/subscriptions/${subscription ?? "00000000-0000-0000-0000-000000000000"}/resourceGroups/${resourceGroup}`;
  return `${group}/providers/${cluster}/providers/${EXTENSIONS}/${name}`;
}

/** As Azure writes times: in UTC, with microseconds. Null for what is no time. */
function inMicroseconds(time: string): string | null {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return null;
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return `${at.toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, "0")}+00:00`;
}
