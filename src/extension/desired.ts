import { CommandError } from "../errors.ts";
import type { ChartValues } from "../release-model.ts";
import type { Chart } from "./catalogue.ts";
import { protectedIn, withIdentity, type Identity } from "./record.ts";
import { isAtOrBelow, parsePath, printPath } from "./setting-path.ts";
import { withSettings, type Setting } from "./settings.ts";
import { valueAt } from "./values.ts";

/** What an extension shall be. */
export interface Desired {
  readonly identity: Identity;
  readonly settings: readonly Setting[];
}

/** Values of the release: what was set stays, but for what is given now. */
export function valuesFor({ identity, settings }: Desired, before: ChartValues): ChartValues {
  const hidden = new Set(protectedIn(before));
  for (const { path, value, isProtected } of settings) {
    const name = printPath(path);
    if (value === undefined) forget(hidden, name);
    else if (isProtected) hidden.add(name);
    else hidden.delete(name);
  }
  return withIdentity(withSettings(before, settings), identity, [...hidden]);
}

/** With a place goes what is in it. */
function forget(names: Set<string>, taken: string): void {
  for (const name of names) if (isAtOrBelow(name, taken)) names.delete(name);
}

/** The established driver stays, and gets the provider alone. */
export function isProviderAlone(values: ChartValues): boolean {
  return at(values, "secrets-store-csi-driver", "install") === false;
}

/** The DaemonSet that serves the nodes; undefined where none is wanted. */
export function daemonSetIn(values: ChartValues): string | undefined {
  if (isProviderAlone(values))
    return at(values, "linux", "enabled") === false ? undefined : "csi-secrets-store-provider-azure";
  return at(values, "secrets-store-csi-driver", "linux", "enabled") === false ? undefined : "secrets-store-csi-driver";
}

/** The image that is installed; of what is protected a mark. */
export function imageIn(values: ChartValues, chart: Pick<Chart, "image" | "version">): string {
  const text = (name: string): string | undefined => {
    const value = at(values, "linux", "image", name);
    if (protectedIn(values).some((hidden) => isAtOrBelow(`linux.image.${name}`, hidden))) return "…";
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return `${text("repository") ?? chart.image}:${text("tag") ?? chart.version}`;
}

/** The texts of protected settings. */
export function secretsIn(values: ChartValues): readonly string[] {
  return protectedIn(values).flatMap((name) => textsIn(valueAt(values, parsePath(name) ?? [])));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsIn);
  return typeof value === "string" || typeof value === "number" ? [String(value)] : [];
}

function at(values: ChartValues, ...path: readonly string[]): unknown {
  return valueAt(values, path);
}

/** The program brings the version that it carries. Blank means that one. */
export function refuseVersion(version: string | undefined, chart: Pick<Chart, "version">): void {
  if (version === undefined || version === "" || version === chart.version) return;
  throw new CommandError(`this program brings version ${chart.version} of the extension, not ${version}`, {
    remedy: `leave --version away, or use the program of version ${version}`,
    exit: 2,
  });
}

/** The one type there is; it is the default. */
export const EXTENSION_TYPE = "Microsoft.AzureKeyVaultSecretsProvider";

export function refuseType(type: string): void {
  if (type.toLowerCase() === EXTENSION_TYPE.toLowerCase()) return;
  throw new CommandError(`there is no extension type ${type} here`, {
    remedy: `the type is ${EXTENSION_TYPE}`,
    exit: 2,
  });
}
