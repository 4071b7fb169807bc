import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    restoreMocks: true,
    // What is waited for comes, on a busy machine later.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/grpc/generated/**", "src/emulator/**", "src/demo/**"],
      reporter: ["text-summary", "json-summary"],
      // Core, edges and the pure files; effects are held by the stories.
      thresholds: {
        "src/{volume,rotation,sync,extension,csi,provider-socket,formats}/**/*.ts": { lines: 95, branches: 95 },
      },
    },
  },
});
