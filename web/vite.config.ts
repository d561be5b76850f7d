import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, minifySync, type Plugin } from "vite";

const page = (name: string): string => resolve(import.meta.dirname, "site", `${name}.html`);

/** Makes every script of a folder shorter. */
function minifyScripts(folder: string): void {
  const names = readdirSync(folder, { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".js"));
  for (const file of names.map((name) => resolve(folder, name))) {
    const { code, errors } = minifySync(file, readFileSync(file, "utf8"), { module: true });
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
    writeFileSync(file, code);
  }
}

/** Puts the wasm modules beside the pages' scripts, where the engine looks for them. */
function wasmModules(): Plugin {
  const from = resolve(import.meta.dirname, "../pkg/wasm");
  const to = resolve(import.meta.dirname, "dist/wasm");
  return {
    name: "dynasty-wasm",
    apply: "build",
    closeBundle() {
      if (!existsSync(from)) {
        this.warn("pkg/wasm is not there: the pages will have no engine until `cargo xtask build` has made it");
        return;
      }
      cpSync(from, to, { recursive: true });
      minifyScripts(to);
    },
  };
}

/** An entry of `models-quantized/manifest.json`. */
interface OwnModel {
  readonly name: string;
  readonly file: string;
  readonly family: string;
  readonly bytes: number;
  readonly task: string;
  readonly default?: boolean;
}

/** What pages call the tasks of the project's own models. */
const TASKS: Readonly<Record<string, string>> = { chat: "generate", segment: "segment", see: "classify_image" };

/** Puts the project's own models that pages run beside them, with the list that a plain file server can serve. */
function ownModels(): Plugin {
  const from = resolve(import.meta.dirname, "../models-quantized");
  const to = resolve(import.meta.dirname, "dist");
  return {
    name: "dynasty-models",
    apply: "build",
    closeBundle() {
      const manifest = resolve(from, "manifest.json");
      const all: readonly OwnModel[] = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : [];
      const shown = all.filter((model) => model.task in TASKS);
      mkdirSync(resolve(to, "models-quantized"), { recursive: true });
      for (const { file } of shown) cpSync(resolve(from, file), resolve(to, "models-quantized", file));
      const offered = shown.map(({ name, file, family, bytes, task, default: first }) => ({
        name,
        url: `./models-quantized/${file}`,
        bytes,
        family,
        task: TASKS[task],
        template: task === "chat",
        default: first === true,
      }));
      writeFileSync(resolve(to, "models.json"), JSON.stringify(offered));
    },
  };
}

/** The site: `web/dist`. */
export default defineConfig({
  root: resolve(import.meta.dirname, "site"),
  base: "./",
  worker: { format: "es" },
  plugins: [wasmModules(), ownModels()],
  build: {
    target: "es2022",
    outDir: resolve(import.meta.dirname, "dist"),
    emptyOutDir: true,
    rollupOptions: { input: [page("index"), page("chat"), page("text"), page("segment"), page("see"), page("bench")] },
  },
});
