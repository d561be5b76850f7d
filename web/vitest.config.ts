import { defineConfig } from "vitest/config";

/** Unit tests: no browser, no wasm; the engine talks to a mock worker. */
export default defineConfig({
  test: { testTimeout: 60_000, include: ["test/**/*.test.ts"] },
});
