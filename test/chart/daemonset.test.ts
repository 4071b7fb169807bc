import { describe, expect, test } from "vitest";
import { parseNodeFlags } from "../../src/commands/node-flags.ts";
import { render, version } from "./helm.ts";

const driver = "secrets-store-csi-driver";

describe("the DaemonSet", () => {
  const { daemonSet, pod, container, args } = render();

  test("is selected as the established driver's, so that its release can be upgraded", () => {
    expect(daemonSet.spec?.selector).toEqual({ matchLabels: { app: driver } });
  });

  test("has the established labels, and its pods too", () => {
    const labels = {
      app: driver,
      "app.kubernetes.io/instance": "demo",
      "app.kubernetes.io/managed-by": "Helm",
      "app.kubernetes.io/name": driver,
      "app.kubernetes.io/version": version,
      "helm.sh/chart": `azure-keyvault-csi-${version}`,
    };
    expect(daemonSet.metadata?.labels).toEqual(labels);
    expect(daemonSet.spec?.template.metadata).toEqual({
      labels,
      annotations: { "kubectl.kubernetes.io/default-container": "secrets-store" },
    });
  });

  test("goes to every Linux node that has a kubelet", () => {
    expect(pod).toMatchObject({ nodeSelector: { "kubernetes.io/os": "linux" }, tolerations: [{ operator: "Exists" }] });
    expect(pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: "type", operator: "NotIn", values: ["virtual-kubelet"] }] },
    ]);
    expect(daemonSet.spec?.updateStrategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } });
  });

  test("starts the plugin by flags alone: the image knows the command", () => {
    expect(container).not.toHaveProperty("command");
    expect(args).toEqual([
      "--endpoint=unix:///var/lib/kubelet/plugins/csi-secrets-store/csi.sock",
      "--nodeid=$(KUBE_NODE_NAME)",
      "--registration-dir=/var/lib/kubelet/plugins_registry",
      "--health-addr=127.0.0.1:9808",
      "--metrics-addr=:8898",
      "--construct-pem-chain=true",
    ]);
    expect(container.env).toEqual([
      { name: "KUBE_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ]);
  });

  test.each([
    ["by default", {}],
    [
      "with all that adds flags",
      { logVerbosity: 10, logFormatJSON: true, podOverrides: "none", writeCertAndKeyInSeparateFiles: true },
    ],
    ["without host network", { linux: { hostNetwork: false } }],
    [
      "with rotation and Secret sync",
      {
        [driver]: {
          enableSecretRotation: true,
          rotationPollInterval: "90s",
          syncSecret: { enabled: true, allowTokenTypes: true },
        },
      },
    ],
    [
      "with all about clouds, token proxies and other providers",
      {
        cloudName: "AzureUSGovernmentCloud",
        tokenProxyUrl: "https://proxy.example",
        sniName: "proxy.example",
        tokenProxyCAFile: "/trust/ca.crt",
        nmiPort: 2580,
        metricsObjectNames: true,
        [driver]: { providerHealthCheck: true, providerHealthCheckInterval: "3m" },
      },
    ],
  ])("gives flags that the plugin takes, %s", (_, values) => {
    expect(parseNodeFlags(render(values).args).problems).toEqual([]);
  });

  test("has one container, privileged for its mounts, and of the node kubelet's directories and the providers'", () => {
    expect(container.name).toBe("secrets-store");
    expect(container.securityContext).toEqual({ privileged: true, readOnlyRootFilesystem: true, runAsUser: 0 });
    expect(pod.initContainers).toBeUndefined();
    expect(pod.hostPID).toBeUndefined();
    expect(pod.hostIPC).toBeUndefined();
    expect(pod.volumes?.slice(0, 3)).toEqual([
      { name: "mountpoint-dir", hostPath: { path: "/var/lib/kubelet/pods", type: "DirectoryOrCreate" } },
      {
        name: "plugin-dir",
        hostPath: { path: "/var/lib/kubelet/plugins/csi-secrets-store", type: "DirectoryOrCreate" },
      },
      { name: "registration-dir", hostPath: { path: "/var/lib/kubelet/plugins_registry", type: "Directory" } },
    ]);
  });

  test("sees the node's directories at the node's paths; only mounts of pods reach the node", () => {
    expect(container.volumeMounts?.slice(0, 3)).toEqual([
      { name: "mountpoint-dir", mountPath: "/var/lib/kubelet/pods", mountPropagation: "Bidirectional" },
      { name: "plugin-dir", mountPath: "/var/lib/kubelet/plugins/csi-secrets-store" },
      { name: "registration-dir", mountPath: "/var/lib/kubelet/plugins_registry" },
    ]);
  });

  test("limits memory and not CPU", () => {
    expect(container.resources).toEqual({ requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "192Mi" } });
  });

  test("tells in its pods' state why a start failed", () => {
    expect(container.terminationMessagePolicy).toBe("FallbackToLogsOnError");
  });

  test("leaves the process more time to end than it takes", () => {
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(20);
  });
});

describe("health", () => {
  test("is told to the node alone", () => {
    const { pod, container } = render();
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" });
    expect(container.livenessProbe).toMatchObject({
      httpGet: { path: "/healthz", port: "healthz", host: "127.0.0.1" },
      periodSeconds: 15,
      timeoutSeconds: 10,
      failureThreshold: 5,
    });
    expect(container.readinessProbe).toMatchObject({
      httpGet: { path: "/readyz", port: "healthz", host: "127.0.0.1" },
      periodSeconds: 5,
    });
  });

  test("is told on the pod's address where the pod has one", () => {
    const { container, args } = render({ linux: { hostNetwork: false } });
    expect(args).toContain("--health-addr=:9808");
    expect(container.livenessProbe?.httpGet).toEqual({ path: "/healthz", port: "healthz" });
    expect(container.readinessProbe?.httpGet).toEqual({ path: "/readyz", port: "healthz" });
  });

  test("has the port of the values", () => {
    const { container, args } = render({ [driver]: { livenessProbe: { port: 9999 } } });
    expect(args).toContain("--health-addr=127.0.0.1:9999");
    expect(container.ports).toContainEqual({ name: "healthz", containerPort: 9999 });
  });
});

describe("metricsAddr", () => {
  test.each([
    [":8898", ":8898", 8898],
    [":8080", ":8898", 8898],
    [":8095", ":8898", 8898],
    ["", ":8898", 8898],
    [":9100", ":9100", 9100],
    ["127.0.0.1:8080", "127.0.0.1:8080", 8080],
    ["[::1]:8095", "[::1]:8095", 8095],
    ["8898", ":8898", 8898],
    ["9100", ":9100", 9100],
    ["8095", ":8898", 8898],
    [65_535, ":65535", 65_535],
  ])("'%s' is served at %s", (metricsAddr, served, containerPort) => {
    const { container, args } = render({ [driver]: { linux: { metricsAddr } } });
    expect(args).toContain(`--metrics-addr=${served}`);
    expect(container.ports).toContainEqual({ name: "metrics", containerPort });
    expect(parseNodeFlags(args).problems).toEqual([]);
  });

  test.each([
    [9808, ":9808", true],
    [9808, "9808", true],
    [9808, "127.0.0.1:9808", true],
    [9808, 9808, false],
    [8898, ":8080", true],
  ])("cannot be where health is told: port %s and '%s', host network %s", (port, metricsAddr, hostNetwork) => {
    const values = { linux: { hostNetwork }, [driver]: { livenessProbe: { port }, linux: { metricsAddr } } };
    expect(() => render(values)).toThrow(
      `${driver}.linux.metricsAddr and ${driver}.livenessProbe.port are both port ${port}: give one of them another`,
    );
  });
});

test.each(["/data/kubelet", "/data/kubelet/"])("kubelet's directory %s is meant everywhere", (kubeletRootDir) => {
  const { daemonSet, container, pod, args } = render({ [driver]: { linux: { kubeletRootDir } } });
  expect(args.slice(0, 3)).toEqual([
    "--endpoint=unix:///data/kubelet/plugins/csi-secrets-store/csi.sock",
    "--nodeid=$(KUBE_NODE_NAME)",
    "--registration-dir=/data/kubelet/plugins_registry",
  ]);
  const paths = ["/data/kubelet/pods", "/data/kubelet/plugins/csi-secrets-store", "/data/kubelet/plugins_registry"];
  expect(pod.volumes?.slice(0, 3).map(({ hostPath }) => hostPath?.path)).toEqual(paths);
  expect(container.volumeMounts?.slice(0, 3).map(({ mountPath }) => mountPath)).toEqual(paths);
  expect(JSON.stringify(daemonSet)).not.toContain("/var/lib/kubelet");
});
