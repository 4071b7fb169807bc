import { defineConfig } from "vitest/config";

/** What needs Go: our side of the provider protocol against a peer of another language. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    restoreMocks: true,
    projects: [
      { extends: true, test: { name: "providers", include: ["test/provider/**/*.test.ts"], testTimeout: 120_000 } },
    ],
  },
});
