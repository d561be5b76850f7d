// A worker that starts a wasm module as it comes from the linker, with threads on further workers of the same memory.

const START = `
export async function start({ folder, threads }) {
  const script = folder + "/dynasty.js";
  const glue = await import(script);
  const module = await WebAssembly.compileStreaming(fetch(folder + "/dynasty_bg.wasm"));
  const { memory } = await glue.default({ module_or_path: module });
  for (let index = 1; index < threads; index++) await helper({ script, module, memory, index });
  return { glue, memory };
}

function helper(start) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/helper.js", { type: "module" });
    worker.onmessage = resolve;
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(start);
  });
}`;

const HELPER = `
self.onmessage = async ({ data: { script, module, memory, index } }) => {
  const glue = await import(script);
  glue.initSync({ module, memory });
  self.postMessage("ready");
  glue.pool_worker(index);
};`;

/** What a server of the module's folder serves besides: a page, and a worker that answers each message by `answer`. */
export function texts(answer) {
  const worker = `import { start } from "/start.js";
    ${answer}
    self.onmessage = async ({ data }) => {
      try {
        self.postMessage({ value: await answer(data) });
      } catch (error) {
        self.postMessage({ error: String(error?.message ?? error) });
      }
    };`;
  return { "/index.html": "<!doctype html>", "/start.js": START, "/worker.js": worker, "/helper.js": HELPER, "/favicon.ico": "" };
}

/** Starts the worker of a page. What it has no answer to any more, such as the rest of a module that panicked, fails. */
export async function startWorker(page, url) {
  await page.goto(`${url}/index.html`);
  await page.evaluate(() => {
    const worker = new Worker("/worker.js", { type: "module" });
    globalThis.ask = (message) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data: { value, error } }) => (error === undefined ? resolve(value) : reject(new Error(error)));
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(message);
      });
  });
  return (message) => page.evaluate((message) => globalThis.ask(message), message);
}
