import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseProviderFlags } from "../../src/commands/provider-process-flags.ts";
import { chartDir, helm, render, renderNotes, renderProvider, version } from "./helm.ts";
import { nested, providerRows } from "./provider-rows.ts";

const driver = "secrets-store-csi-driver";
const name = "csi-secrets-store-provider-azure";

describe("the provider alone", () => {
  const { objects, daemonSet, pod, container, args, get } = renderProvider();

  test("is a DaemonSet and a service account: the driver's objects are another release's", () => {
    const made = objects.filter(({ kind }) => kind !== "CustomResourceDefinition");
    expect(made.map(({ kind, metadata }) => `${kind ?? ""} ${metadata?.name ?? ""}`).sort()).toEqual([
      `DaemonSet ${name}`,
      `ServiceAccount ${name}`,
    ]);
  });

  test("passes helm's strict lint", () => {
    const options = ["--strict", "--kube-version=1.35.4", `--set=${driver}.install=false`];
    expect(helm(["lint", ...options, chartDir])).toContain("0 chart(s) failed");
  });

  test("is not there with the plugin, nor the plugin with it", () => {
    expect(render().objects.map(({ metadata }) => metadata?.name)).not.toContain(name);
    expect(objects.map(({ metadata }) => metadata?.name)).not.toContain(driver);
  });

  test("is labelled and selected as the established provider's", () => {
    const labels = {
      app: name,
      "app.kubernetes.io/instance": "demo",
      "app.kubernetes.io/managed-by": "Helm",
      "app.kubernetes.io/name": name,
      "app.kubernetes.io/version": version,
      "helm.sh/chart": `azure-keyvault-csi-${version}`,
    };
    expect(daemonSet.metadata?.labels).toEqual(labels);
    expect(daemonSet.spec?.template.metadata?.labels).toEqual(labels);
    expect(daemonSet.spec?.selector).toEqual({ matchLabels: { app: name } });
    expect(container.name).toBe("provider-azure-installer");
  });

  test("starts the image's own program by the entrypoint's words, with another command", () => {
    const dockerfile = readFileSync(`${chartDir}/../../Dockerfile`, "utf8");
    const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
    expect(entrypoint.at(-1)).toBe("node");
    expect(container.command).toEqual([...entrypoint.slice(0, -1), "provider"]);
    expect(args).toEqual([
      "--endpoint=unix:///provider/azure.sock",
      "--healthz-port=127.0.0.1:8989",
      "--healthz-path=/healthz",
      "--healthz-timeout=5s",
      "--prometheus-port=8898",
      "--construct-pem-chain=true",
      "--max-call-recv-msg-size=4194304",
    ]);
  });

  test.each([
    ["by default", {}],
    [
      "with all that adds flags",
      {
        logVerbosity: 10,
        logFormatJSON: true,
        writeCertAndKeyInSeparateFiles: true,
        metricsAddr: 9100,
        linux: { customUserAgent: "aks/1" },
      },
    ],
    ["without host network", { linux: { hostNetwork: false } }],
  ])("gives flags that the command takes, %s", (_, values) => {
    expect(parseProviderFlags(renderProvider(values).args).problems).toEqual([]);
  });

  test("has root's name for the socket and none of root's rights, no token, and one directory of the node", () => {
    expect(container.securityContext).toEqual({
      runAsUser: 0,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod).toMatchObject({ serviceAccountName: name, automountServiceAccountToken: false });
    expect(get("ServiceAccount", name).automountServiceAccountToken).toBe(false);
    expect([pod.hostPID, pod.hostIPC, pod.initContainers]).toEqual([undefined, undefined, undefined]);
    expect(pod.volumes).toEqual([
      {
        name: "providers-dir",
        hostPath: { path: "/var/run/secrets-store-csi-providers", type: "DirectoryOrCreate" },
      },
      { name: "cluster-ca", configMap: { name: "kube-root-ca.crt", optional: true } },
    ]);
    expect(container.volumeMounts).toEqual([
      { name: "providers-dir", mountPath: "/provider" },
      { name: "cluster-ca", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
    ]);
  });

  test("is privileged only where that is asked for", () => {
    expect(renderProvider({ linux: { privileged: true } }).container.securityContext).toEqual({
      runAsUser: 0,
      readOnlyRootFilesystem: true,
      privileged: true,
    });
  });

  test("has the node's network, and tells its health to the node alone", () => {
    expect(pod).toMatchObject({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" });
    const httpGet = { path: "/healthz", port: "healthz", host: "127.0.0.1" };
    expect(container.livenessProbe).toEqual({
      httpGet,
      initialDelaySeconds: 5,
      periodSeconds: 30,
      timeoutSeconds: 10,
      failureThreshold: 3,
    });
    expect(container.readinessProbe).toMatchObject({ httpGet });
    expect(container.ports).toEqual([
      { name: "healthz", containerPort: 8989 },
      { name: "metrics", containerPort: 8898 },
    ]);
  });

  test("tells its health on the pod's address where the pod has one", () => {
    const own = renderProvider({ linux: { hostNetwork: false } });
    expect(own.args).toContain("--healthz-port=8989");
    expect(own.container.livenessProbe?.httpGet).toEqual({ path: "/healthz", port: "healthz" });
  });

  test("has the image, the nodes, the labels of the values that the plugin has, too", () => {
    const label = { team: "blue" };
    const own = renderProvider({
      imagePullSecrets: [{ name: "r" }],
      linux: {
        image: { repository: "r.example/akv", tag: "v9" },
        nodeSelector: label,
        tolerations: [],
        podLabels: { ...label, app: "other" },
        podAnnotations: label,
        priorityClassName: "p",
        updateStrategy: { type: "OnDelete", rollingUpdate: null },
        env: [{ name: "HTTPS_PROXY", value: "http://proxy.example" }],
        volumes: [{ name: "v", emptyDir: {} }],
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
      [driver]: { commonLabels: label },
    });
    expect(own.container).toMatchObject({ image: "r.example/akv:v9", env: [{ name: "HTTPS_PROXY" }] });
    expect(own.pod).toMatchObject({
      imagePullSecrets: [{ name: "r" }],
      nodeSelector: { ...label, "kubernetes.io/os": "linux" },
      priorityClassName: "p",
    });
    expect(own.pod.tolerations).toBeUndefined();
    expect(own.pod.volumes?.[2]).toEqual({ name: "v", emptyDir: {} });
    expect(own.container.volumeMounts?.[2]).toEqual({ name: "v", mountPath: "/v" });
    expect(own.daemonSet.spec?.updateStrategy).toEqual({ type: "OnDelete" });
    expect(own.daemonSet.metadata?.labels).toMatchObject(label);
    expect(own.daemonSet.spec?.template.metadata).toMatchObject({
      labels: { ...label, app: name },
      annotations: label,
    });
  });
});

describe("each value of the provider alone has its effect", () => {
  test.each(providerRows().filter(([key]) => key !== `${driver}.install`))("%s", (key, value, effect, expected) => {
    expect(effect(renderProvider())).not.toEqual(expected);
    expect(effect(renderProvider(nested(key, value)))).toEqual(expected);
  });
});

describe("what does not go together is refused:", () => {
  test.each(["podMonitor", "alertRules", "dashboard"])("the provider alone and monitoring.%s", (what) => {
    expect(() => renderProvider({ monitoring: { [what]: { enabled: true } } })).toThrow(
      `monitoring.${what} is about the plugin, which ${driver}.install=false leaves out: turn one of them off`,
    );
  });

  test.each(["8989", 8989, "127.0.0.1:8989"])("metrics at %j, where health is told", (metricsAddr) => {
    expect(() => renderProvider({ metricsAddr })).toThrow("metricsAddr and linux.healthzPort are both port 8989");
  });
});

describe("the notes of the provider alone", () => {
  const notes = renderNotes({ [driver]: { install: false } });

  test("say where the driver finds it, how to see it run, and what stays the driver's", () => {
    expect(notes).toMatch(/^This is the Azure provider alone/);
    expect(notes).toContain("/var/run/secrets-store-csi-providers/azure.sock");
    expect(notes).toContain(`kubectl -n kube-system rollout status daemonset/${name}`);
    expect(notes).toContain("api://AzureADTokenExchange");
    expect(notes).not.toContain("Does it run?\n\n  kubectl -n kube-system rollout status daemonset/secrets-store");
  });

  test("say first what must be brought where the chart makes no service account", () => {
    const without = renderNotes({ rbac: { install: false }, [driver]: { install: false } });
    expect(without).toMatch(/^WARNING: rbac\.install=false: bring ServiceAccount csi-secrets-store-provider-azure/);
  });
});

describe("other providers' directories in the plugin's pod", () => {
  test("are there at the node's paths, to be looked in and not to be written", () => {
    const { pod, container, args } = render();
    const dirs = ["/var/run/secrets-store-csi-providers", "/etc/kubernetes/secrets-store-csi-providers"];
    expect(pod.volumes?.slice(3)).toEqual([
      { name: "providers-dir", hostPath: { path: dirs[0], type: "DirectoryOrCreate" } },
      { name: "providers-dir-1", hostPath: { path: dirs[1], type: "DirectoryOrCreate" } },
    ]);
    expect(container.volumeMounts?.slice(3)).toEqual([
      { name: "providers-dir", mountPath: dirs[0], readOnly: true },
      { name: "providers-dir-1", mountPath: dirs[1], readOnly: true },
    ]);
    expect(args.join(" ")).not.toContain("provider-volume");
  });

  test.each([
    [{ additionalProvidersDirs: [] }, ["/var/run/secrets-store-csi-providers"], ""],
    [{ providersDir: "/p", additionalProvidersDirs: ["/p", "/q", "/q"] }, ["/p", "/q"], "/q"],
  ])("are each there once: %j", (linux, dirs, flag) => {
    const { pod, args } = render({ [driver]: { linux } });
    expect(pod.volumes?.slice(3).map(({ hostPath }) => hostPath?.path)).toEqual(dirs);
    expect(args).toContain(`--additional-provider-volume-paths=${flag}`);
  });

  test("cannot have a comma, which the flag is parted by", () => {
    expect(() => render({ [driver]: { linux: { additionalProvidersDirs: ["/a,b"] } } })).toThrow(
      "additionalProvidersDirs/0",
    );
  });
});
