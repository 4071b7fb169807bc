import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { commandsIn, fillIn, readPage, type PageCommand } from "../fakes/markdown-page.ts";
import { helm, renderNotes, renderObjects, type Values } from "./helm.ts";

/** Pages with commands of Helm, as users copy them. */
const pages = ["README.md", "docs/install.md", "docs/migrate.md", "docs/provider-only.md", "docs/monitoring.md"];

const placeholders = {
  registry: "registry.example",
  release: "csi",
  "provider-release": "provider",
  "driver-daemonset": "driver-secrets-store-csi-driver",
  "provider-namespace": "default",
  "provider-windows": "provider-windows",
  manifests: "manifests",
};

interface HelmLine {
  readonly line: string;
  readonly command: PageCommand;
}

/** Lines that are commands of Helm on our chart, those that go on in the next line as one. */
function helmLines(page: string): readonly HelmLine[] {
  const blocks = readPage(readFileSync(page, "utf8")).blocks.filter(({ language }) => language === "sh");
  const lines = blocks.flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, "").split("\n"));
  return lines
    .filter((line) => /^helm (install|upgrade|template) .*charts\/azure-keyvault-csi/.test(line))
    .map((text) => fillIn(text, placeholders))
    .flatMap((line) => commandsIn(line).map((command) => ({ line, command })));
}

/** What `--set` says, as helm takes it. */
function settingsOf({ options }: PageCommand): readonly string[] {
  return (options.get("--set") ?? []).flatMap((setting) => ["--set", setting]);
}

const commands = pages.flatMap((page) => helmLines(page).map(({ line, command }) => ({ page, line, command })));

describe("a command of Helm is one that the chart takes", () => {
  test("each page has some", () => {
    expect(new Set(commands.map(({ page }) => page))).toEqual(new Set(pages));
  });

  test.each(commands)("$page: $line", ({ command }) => {
    const options = ["--kube-version=1.35.4", "--namespace=kube-system", ...settingsOf(command)];
    expect(helm(["template", "demo", "charts/azure-keyvault-csi", ...options])).toContain("kind: ");
  });
});

describe("values that a page shows have a meaning", () => {
  const shown = ["docs/install.md", "docs/migrate.md"].flatMap((page) =>
    readPage(readFileSync(page, "utf8"))
      .blocks.filter(({ language }) => language === "yaml")
      .map(({ section, text }) => ({ page, section, values: parse(text) as Values })),
  );

  test.each(shown)("$page: $section", ({ values }) => {
    expect(renderObjects(values).objects).not.toEqual(renderObjects({}).objects);
    expect(renderNotes(values)).not.toContain("Without meaning here");
  });
});
