import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const script = resolve(import.meta.dirname, "../../scripts/rbac-table.ts");
let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "akv-rbac-"));
  file = join(directory, "security.md");
  writeFileSync(file, "before\n\n<!-- rbac: made by npm run generate:rbac -->\n\nold\n\n<!-- /rbac -->\n\nafter\n");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("the table of rights", () => {
  test("has each right of the plugin and of the hook with its reason, and leaves the rest of the document", () => {
    run();
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^before\n\n<!-- rbac:[^]*<!-- \/rbac -->\n\nafter\n$/);
    expect(text).toMatch(/^Service account `secrets-store-csi-driver-upgrade-crds`, which is there while Helm/m);
    expect([
      ...rowsOf(text, "secrets-store-csi-driver"),
      ...rowsOf(text, "secrets-store-csi-driver-upgrade-crds"),
    ]).toEqual([
      ["", "`secretproviderclasses.secrets-store.csi.x-k8s.io`", "get", "the class that a pod names", ""],
      ["", statuses, "get, create, patch", expect.stringContaining("server-side apply"), ""],
      [
        "",
        statuses,
        "delete",
        expect.stringMatching(
          /^never used, and refused by the admission policy: .* may change: a new pod of an old pod's name$/,
        ),
        "",
      ],
      ["", "`events`", "create, patch", expect.stringContaining("told at the pod"), ""],
      ["", "`nodes`", "get, patch", expect.stringContaining("with startupTaint: the plugin's own node"), ""],
      ["", "`pods`", "get", expect.stringContaining("with syncSecret.enabled: whose the pod is"), ""],
      ["", "`secrets`", "get, create, patch", expect.stringContaining("secrets-store.csi.k8s.io/managed=true"), ""],
      [
        "",
        "`secrets`",
        "delete",
        expect.stringContaining("with syncSecret.enabled: never used, and refused by the admission policy"),
        "",
      ],
      [
        "",
        expect.stringMatching(
          /^`customresourcedefinitions.apiextensions.k8s.io`: secretproviderclasses\S+, secretprov\S+$/,
        ),
        "get, create, patch",
        expect.stringContaining("the two CRDs of the driver, by name"),
        "",
      ],
    ]);
  });

  test("has each right of the reconciler, in the cluster and in its namespace, by the names of what it holds", () => {
    run();
    const rows = rowsOf(readFileSync(file, "utf8"), "azure-keyvault-csi-reconciler");
    const all = "get, watch, create, patch, update, delete";
    expect(rows).toContainEqual([
      "",
      "`csidrivers.storage.k8s.io`: secrets-store.csi.k8s.io",
      all,
      expect.stringContaining("held, by name"),
      "",
    ]);
    expect(rows).toContainEqual([
      "",
      "`daemonsets.apps`: secrets-store-csi-driver",
      all,
      expect.stringContaining("held, by name"),
      "",
    ]);
    expect(rows).toContainEqual([
      "",
      "`nodes`",
      "get, patch",
      expect.stringContaining("never used: as ClusterRole"),
      "",
    ]);
    expect(rows).toContainEqual([
      "",
      "`secrets`: azure-keyvault-csi-desired",
      "get, watch",
      expect.stringContaining("to be held"),
      "",
    ]);
  });

  test("is made again the same", () => {
    run();
    const first = readFileSync(file, "utf8");
    run();
    expect(readFileSync(file, "utf8")).toBe(first);
  });

  test("is only compared by --check", () => {
    const before = readFileSync(file, "utf8");
    expect(() => run("--check")).toThrow("Run npm run generate:rbac");
    expect(readFileSync(file, "utf8")).toBe(before);
    run();
    expect(() => run("--check")).not.toThrow();
  });

  test("needs its place in the document", () => {
    writeFileSync(file, "nothing\n");
    expect(() => run()).toThrow("has no lines <!-- rbac: made by npm run generate:rbac --> and <!-- /rbac -->");
  });
});

const statuses = "`secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io`";

/** The rows about one service account, as cells. */
function rowsOf(text: string, account: string): readonly (readonly string[])[] {
  const tables = text.split(/^Service account /m).filter((part) => part.startsWith(`\`${account}\``));
  const rows = tables.flatMap((table) => table.split("\n").filter((line) => line.startsWith("| `")));
  return rows.map((row) => row.split("|").map((cell) => cell.trim()));
}

function run(...options: readonly string[]): string {
  return execFileSync(process.execPath, [script, file, ...options], { encoding: "utf8", stdio: "pipe" });
}
