import { resolve } from "node:path";
import { defineConfig } from "vite";

/** The npm package: `pkg/dist`. */
export default defineConfig({
  base: "./",
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: resolve(import.meta.dirname, "../pkg/dist"),
    emptyOutDir: true,
    lib: {
      entry: {
        engine: resolve(import.meta.dirname, "src/engine/index.ts"),
        elements: resolve(import.meta.dirname, "src/elements/index.ts"),
      },
      formats: ["es"],
    },
    rollupOptions: { external: [/^lit/] },
  },
});
