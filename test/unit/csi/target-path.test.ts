import { describe, expect, test } from "vitest";
import { parseTargetPath } from "../../../src/csi/target-path.ts";

const below = "volumes/kubernetes.io~csi/secrets/mount";

describe("a target path of kubelet", () => {
  test.each([
    ["/var/lib/kubelet"],
    ["/var/snap/microk8s/common/var/lib/kubelet"],
    ["/var/lib/pods/kubelet"],
    ["/with space"],
    [""],
  ])("names its root %j and the pod", (kubeletRoot) => {
    expect(parseTargetPath(`${kubeletRoot}/pods/a-uid/${below}`)).toEqual({ kubeletRoot, podUid: "a-uid" });
  });

  test("takes the last pods directory for kubelet's", () => {
    const path = `/pods/other/${below}/pods/a-uid/${below}`;
    expect(parseTargetPath(path)).toEqual({ kubeletRoot: `/pods/other/${below}`, podUid: "a-uid" });
  });
});

describe("no target path of kubelet is", () => {
  test.each([
    ["the empty path", ""],
    ["the root", "/"],
    ["a relative path", `var/lib/kubelet/pods/uid/${below}`],
    ["one that climbs before pods", `/var/../kubelet/pods/uid/${below}`],
    ["one whose pod climbs", `/var/lib/kubelet/pods/../${below}`],
    ["one whose volume climbs", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/../mount"],
    ["one whose volume stays", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/./mount"],
    ["one with an empty component", `//var/lib/kubelet/pods/uid/${below}`],
    ["one without a pod", `/var/lib/kubelet/pods//${below}`],
    ["one without a volume", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi//mount"],
    ["one with a slash at the end", `/var/lib/kubelet/pods/uid/${below}/`],
    ["one below the mount", `/var/lib/kubelet/pods/uid/${below}/file`],
    ["one with a line end", `/var/lib/kubelet/pods/uid/${below}\n`],
    ["one with a NUL", `/var/lib/kubelet/pods/u\0id/${below}`],
    ["a staging path", "/var/lib/kubelet/plugins/kubernetes.io/csi/driver/globalmount"],
    ["another plugin's volume", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~nfs/secrets/mount"],
  ])("%s", (_name, path) => {
    expect(parseTargetPath(path)).toBeUndefined();
  });
});
