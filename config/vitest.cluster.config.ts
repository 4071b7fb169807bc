import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

/** Files in the order of their names: each cluster test leaves the cluster as it found it, and the last one sums up. */
class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId)));
  }
}

/** What needs more than Node: chart (helm), image (buildah), cluster (kubectl and a Kubernetes). */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    reporters: ["verbose"],
    sequence: { sequencer: ByName },
    fileParallelism: false,
    projects: [
      { extends: true, test: { name: "chart", include: ["test/chart/**/*.test.ts"], testTimeout: 30_000 } },
      {
        extends: true,
        test: { name: "image", include: ["test/image/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 600_000 },
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          globalSetup: ["test/cluster/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
