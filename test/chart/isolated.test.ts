import { describe, expect, test } from "vitest";
import { parseNodeFlags } from "../../src/commands/node-flags.ts";
import { parseProviderFlags } from "../../src/commands/provider-process-flags.ts";
import { defined, render, renderNotes, renderObjects, renderProvider } from "./helm.ts";
import { keys, otherValue } from "./keys.ts";
import { nested } from "./provider-rows.ts";

const driver = "secrets-store-csi-driver";
const isolated = { isolateProvider: true };

/** The provider's container beside the plugin. */
function rendered(values: Record<string, unknown> = {}) {
  const it = render({ ...isolated, ...values });
  const provider = defined(it.pod.containers[1], "a second container");
  return { ...it, provider, providerArgs: provider.args ?? [] };
}

describe("isolateProvider", () => {
  test("is one container more, and nothing else is added to the cluster", () => {
    const names = (values: Record<string, unknown>): readonly unknown[] =>
      renderObjects(values).objects.map(({ kind, metadata }) => [kind, metadata?.name]);
    expect(names(isolated)).toEqual(names({}));
    expect(render().pod.containers.map(({ name }) => name)).toEqual(["secrets-store"]);
    expect(rendered().pod.containers.map(({ name }) => name)).toEqual(["secrets-store", "provider"]);
  });

  test("gives flags that both commands take, and the plugin asks the provider's socket", () => {
    const { args, providerArgs } = rendered();
    expect(parseNodeFlags([...args, "--nodeid=n"]).problems).toEqual([]);
    expect(parseProviderFlags(providerArgs).problems).toEqual([]);
    expect(args).toContain("--azure-provider-volume=/provider");
    expect(providerArgs).toContain("--endpoint=unix:///provider/azure.sock");
    expect(render().args.join(" ")).not.toContain("azure-provider-volume");
  });

  test("the provider is nobody: no privileges, no directory of the node, another thing where the token would be", () => {
    const { provider, pod } = rendered();
    expect(provider.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(provider.volumeMounts).toEqual([
      { name: "provider-dir", mountPath: "/provider" },
      { name: "cluster-ca", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
    ]);
    expect(pod.volumes).toContainEqual({ name: "provider-dir", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } });
    expect(pod.volumes).toContainEqual({
      name: "cluster-ca",
      configMap: { name: "kube-root-ca.crt", optional: true },
    });
    expect(rendered({ linux: { privileged: true } }).provider.securityContext).toEqual(provider.securityContext);
  });

  test("the plugin may only connect to the socket", () => {
    const { container } = rendered();
    expect(container.volumeMounts).toContainEqual({ name: "provider-dir", mountPath: "/provider", readOnly: true });
  });

  test("each container has its own port for health and for metrics, as with the pair", () => {
    const { args, providerArgs, provider, container } = rendered();
    expect(args).toEqual(expect.arrayContaining(["--metrics-addr=:8095", "--health-addr=127.0.0.1:9808"]));
    expect(providerArgs).toEqual(expect.arrayContaining(["--prometheus-port=8898", "--healthz-port=127.0.0.1:8989"]));
    expect([...(container.ports ?? []), ...(provider.ports ?? [])]).toEqual([
      { name: "healthz", containerPort: 9808 },
      { name: "metrics", containerPort: 8095 },
      { name: "azure-healthz", containerPort: 8989 },
      { name: "azure-metrics", containerPort: 8898 },
    ]);
    expect(provider.livenessProbe?.httpGet).toMatchObject({ port: "azure-healthz", host: "127.0.0.1" });
  });

  test.each([
    [{ metricsAddr: "8095" }, `${driver}.linux.metricsAddr and metricsAddr are both port 8095`],
    [{ linux: { healthzPort: 9808 } }, `${driver}.livenessProbe.port and linux.healthzPort are both port 9808`],
    [{ linux: { healthzPort: 8898 } }, "metricsAddr and linux.healthzPort are both port 8898"],
  ])("the same port twice is refused: %j", (values, problem) => {
    expect(() => rendered(values)).toThrow(`${problem}: give one of them another`);
  });

  test("resources are each container's own", () => {
    const resources = { requests: { memory: "64Mi" } };
    const { container, provider } = rendered({ linux: { resources } });
    expect(container.resources).toEqual(render().container.resources);
    expect(provider.resources).toEqual({ requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "192Mi" } });
  });

  test("what both halves say of environment, files, verbosity and log counts for both containers", () => {
    const env = [{ name: "HTTPS_PROXY", value: "http://proxy.example" }];
    const volumeMounts = [{ name: "v", mountPath: "/v" }];
    const { container, provider, providerArgs } = rendered({
      linux: { env },
      [driver]: { linux: { volumeMounts }, logVerbosity: 4, logFormatJSON: true },
    });
    for (const one of [container, provider]) {
      expect(one.env).toEqual(expect.arrayContaining(env));
      expect(one.volumeMounts).toEqual(expect.arrayContaining(volumeMounts));
    }
    expect(providerArgs).toEqual(expect.arrayContaining(["-v=4", "--log-format-json"]));
  });

  test("a PodMonitor finds both containers' metrics", () => {
    const values = { monitoring: { podMonitor: { enabled: true } } };
    const ports = (more: object): unknown => renderObjects({ ...values, ...more }).get("PodMonitor", driver).spec;
    expect(ports({})).toMatchObject({ podMetricsEndpoints: [{ port: "metrics" }] });
    expect(ports(isolated)).toMatchObject({ podMetricsEndpoints: [{ port: "metrics" }, { port: "azure-metrics" }] });
  });

  test.each(keys.filter((key) => key.isolated === true).map((key) => [key.key, key] as const))(
    "%s counts, and is not named as without meaning",
    (name, key) => {
      const set = nested(name, otherValue(key));
      expect(renderNotes({ ...isolated, ...set })).not.toContain("Without meaning");
      const alone = renderProvider(set);
      const said = alone.args.filter((arg) => !renderProvider().args.includes(arg));
      const probes = JSON.stringify(alone.container.livenessProbe);
      expect(said).not.toEqual([]);
      expect(rendered(set).providerArgs).toEqual(expect.arrayContaining(said));
      expect(JSON.stringify(rendered(set).provider.livenessProbe).replaceAll("azure-healthz", "healthz")).toBe(probes);
    },
  );

  test("says nothing with the provider alone, which is what it asks for", () => {
    expect(renderProvider(isolated).daemonSet).toEqual(renderProvider().daemonSet);
  });
});
