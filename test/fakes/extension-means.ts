import type { Means } from "../../src/extension/operations.ts";
import type {
  ChartValues,
  ObjectRef,
  ReleaseDetail,
  ReleaseRequest,
  ReleaseStatus,
  ReleaseSummary,
} from "../../src/model.ts";
import { chart } from "./chart-catalogue.ts";
import { noSignal } from "./volumes.ts";

/** A release of the fake cluster. */
export interface FakeRelease {
  readonly name: string;
  readonly namespace?: string;
  readonly chart?: string;
  readonly status?: ReleaseStatus;
  readonly values?: ChartValues;
}

export interface FakeCluster {
  readonly means: Means;
  /** What Helm was asked to bring about. */
  readonly applied: readonly ReleaseRequest[];
  /** All that was done, in order. */
  readonly done: readonly string[];
}

/** A cluster with these releases and pods. */
export function fakeCluster(present: readonly FakeRelease[] = [], pods: readonly ObjectRef[] = []): FakeCluster {
  const releases = new Map(
    present.map((release) => [release.name, { summary: summaryOf(release), detail: detailOf(release) }]),
  );
  const applied: ReleaseRequest[] = [];
  const done: string[] = [];
  const means: Means = {
    releases: {
      list: () => Promise.resolve([...releases.values()].map(({ summary }) => summary)),
      read: ({ name }) => Promise.resolve(releases.get(name)?.detail),
      apply: (request) => {
        const { ref, values, dryRun, wait } = request;
        applied.push(request);
        done.push(`apply ${ref.namespace}/${ref.name}${dryRun ? " dry" : ""}${wait ? " wait" : ""}`);
        const made = { ...ref, values };
        if (!dryRun) releases.set(ref.name, { summary: summaryOf(made), detail: detailOf(made) });
        return Promise.resolve();
      },
      remove: ({ namespace, name }, wait) => {
        done.push(`remove ${namespace}/${name}${wait ? " wait" : ""}`);
        releases.delete(name);
        return Promise.resolve();
      },
    },
    pods: { list: () => Promise.resolve(pods) },
    rollouts: {
      ready: ({ namespace, name }) => {
        done.push(`ready ${namespace}/${name}`);
        return Promise.resolve();
      },
    },
    chart,
    progress: () => undefined,
    signal: noSignal,
  };
  return { means, applied, done };
}

function summaryOf({
  name,
  namespace = "kube-system",
  chart: of = chartName,
  status = "deployed",
}: FakeRelease): ReleaseSummary {
  return { ref: { namespace, name }, chart: of, version: chart.version, status };
}

const chartName = "azure-keyvault-csi";

function detailOf({ status = "deployed", values = {} }: FakeRelease): ReleaseDetail {
  const time = "2026-11-30T20:41:36.123456789Z";
  return { status, firstDeployed: time, lastDeployed: time, values };
}
