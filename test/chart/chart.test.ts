import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chartDir, helm, render, renderNotes, version } from "./helm.ts";

describe("the chart", () => {
  test("passes helm's strict lint", () => {
    expect(helm(["lint", "--strict", "--kube-version=1.35.4", chartDir])).toContain("0 chart(s) failed");
  });

  test("is of the program's version, and so is the image", () => {
    const chart = parse(readFileSync(`${chartDir}/Chart.yaml`, "utf8")) as Record<string, unknown>;
    expect(chart).toMatchObject({ version, appVersion: version });
    expect(render().container.image).toBe(`azure-keyvault-csi:${version}`);
  });

  test("makes these objects, named as the established driver's", () => {
    expect(
      render()
        .objects.map(({ kind, metadata }) => `${kind ?? ""} ${metadata?.name ?? ""}`)
        .sort(),
    ).toEqual([
      "CSIDriver secrets-store.csi.k8s.io",
      "ClusterRole secretproviderclasses-admin-role",
      "ClusterRole secretproviderclasses-role",
      "ClusterRole secretproviderclasses-viewer-role",
      "ClusterRole secretproviderclasspodstatuses-viewer-role",
      "ClusterRole secrets-store-csi-driver-upgrade-crds",
      "ClusterRoleBinding secretproviderclasses-rolebinding",
      "ClusterRoleBinding secrets-store-csi-driver-upgrade-crds",
      "CustomResourceDefinition secretproviderclasses.secrets-store.csi.x-k8s.io",
      "CustomResourceDefinition secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io",
      "DaemonSet secrets-store-csi-driver",
      "Job secrets-store-csi-driver-upgrade-crds",
      "ServiceAccount secrets-store-csi-driver",
      "ServiceAccount secrets-store-csi-driver-upgrade-crds",
      "ValidatingAdmissionPolicy secrets-store-csi-driver",
      "ValidatingAdmissionPolicyBinding secrets-store-csi-driver",
    ]);
  });

  test("refuses clusters before 1.30", () => {
    expect(() => render({}, { kubeVersion: "1.29.9" })).toThrow("kubeVersion: >=1.30.0-0");
    expect(() => render({}, { kubeVersion: "v1.30.0-gke.1" })).not.toThrow();
  });
});

describe("the notes", () => {
  test("say how to see it run, what is next, and what an uninstall leaves", () => {
    const notes = renderNotes();
    expect(notes).toContain("kubectl -n kube-system rollout status daemonset/secrets-store-csi-driver");
    expect(notes).toContain("kind: SecretProviderClass");
    expect(notes).toContain("hang in Terminating");
    expect(notes).toMatch(/^Does it run\?\n/);
    expect(notes).not.toContain("WARNING");
  });

  test("hold objects that kubectl takes", () => {
    const manifest = /<<'END'\n(?<objects>[^]*)\n {2}END/.exec(renderNotes())?.groups?.["objects"] ?? "";
    const kinds = manifest
      .replaceAll(/^ {2}/gm, "")
      .split("---\n")
      .map((text) => (parse(text) as { kind: string }).kind);
    expect(kinds).toEqual(["SecretProviderClass", "Pod"]);
  });

  test("know of a DaemonSet without pods, whose logs are empty", () => {
    expect(renderNotes()).toContain("kubectl -n kube-system describe daemonset secrets-store-csi-driver");
  });

  test("say first what must be brought where the chart makes no service account", () => {
    const notes = renderNotes({ "secrets-store-csi-driver": { rbac: { install: false } } }).replaceAll(/\s+/g, " ");
    expect(notes).toMatch(/^WARNING: secrets-store-csi-driver.rbac.install=false.* Does it run\?/);
    expect(notes).toContain("bring ServiceAccount secrets-store-csi-driver in namespace kube-system and its rights");
    expect(notes).toContain("No pod is made until the service account is there.");
  });

  test.each([
    [{}, true, true],
    [{ enableSecretRotation: true }, false, true],
    [{ syncSecret: { enabled: true } }, true, false],
  ])("say what is off, and how to turn it on: %j", (values, rotation, sync) => {
    const notes = renderNotes({ "secrets-store-csi-driver": values });
    expect(notes.includes("secrets-store-csi-driver.enableSecretRotation=true")).toBe(rotation);
    expect(notes.includes("secrets-store-csi-driver.syncSecret.enabled=true")).toBe(sync);
  });
});
