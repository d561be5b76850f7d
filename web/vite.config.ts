import { cpSync, existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const page = (name: string): string => resolve(import.meta.dirname, "site", `${name}.html`);

/** Puts the wasm modules beside the pages' scripts, where the engine looks for them. */
function wasmModules(): Plugin {
  const from = resolve(import.meta.dirname, "../pkg/wasm");
  return {
    name: "dynasty-wasm",
    apply: "build",
    closeBundle() {
      if (existsSync(from)) cpSync(from, resolve(import.meta.dirname, "dist/wasm"), { recursive: true });
      else this.warn("pkg/wasm is not there: the pages will have no engine until `cargo xtask build` has made it");
    },
  };
}

/** The site: `web/dist`. */
export default defineConfig({
  root: resolve(import.meta.dirname, "site"),
  base: "./",
  worker: { format: "es" },
  plugins: [wasmModules()],
  build: {
    target: "es2022",
    outDir: resolve(import.meta.dirname, "dist"),
    emptyOutDir: true,
    rollupOptions: { input: [page("index"), page("chat"), page("bench")] },
  },
});
