import { defineConfig } from "vite";

/** The chat page with a mock engine, for work on how it looks: `npm run mock`, then `/test/mock/`. */
export default defineConfig({
  root: import.meta.dirname,
});
