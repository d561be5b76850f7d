import { defineConfig } from "vitest/config";

/** Unit tests: no browser, no wasm; the engine talks to a mock worker. */
export default defineConfig({
  test: { include: ["test/**/*.test.ts"] },
});
