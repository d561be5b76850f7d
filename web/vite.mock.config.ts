import { resolve } from "node:path";
import { defineConfig } from "vite";

/** The chat page with a mock engine, for work on how it looks: `npm run mock`. */
export default defineConfig({
  root: resolve(import.meta.dirname, "test/mock"),
  base: "./",
  server: { fs: { allow: [import.meta.dirname] } },
});
