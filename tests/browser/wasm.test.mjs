// Each wasm module, as it comes from the linker: it starts in a worker, and threads share its memory.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, root, serveFolder } from "./browser.mjs";

/** The engine's worker: starts a module, and with threads a second worker on the same memory. */
const ENGINE = `
self.onmessage = async ({ data: { script, binary, threads } }) => {
  try {
    const glue = await import(script);
    const module = await WebAssembly.compileStreaming(fetch(binary));
    const { memory } = await glue.default({ module_or_path: module });
    const shared = Object.prototype.toString.call(memory.buffer) === "[object SharedArrayBuffer]";
    for (let index = 1; index < threads; index++) await helper({ script, module, memory, index });
    const engine = new glue.Engine({ threads, subgroups: false });
    engine.dispose(1);
    self.postMessage({ shared, isolated: crossOriginIsolated });
  } catch (error) {
    self.postMessage({ error: String(error?.message ?? error) });
  }
};

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

const texts = { "/": "<!doctype html>", "/engine.js": ENGINE, "/helper.js": HELPER, "/favicon.ico": "" };
texts["/index.html"] = texts["/"];

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Starts a module in a new page and says what came of it. */
async function start(flavour, { threads = 1, isolated }) {
  const server = await serveFolder(root, { isolated, texts });
  const page = await browser.newPage();
  try {
    await page.goto(`${server.url}/index.html`);
    const folder = `/pkg/wasm/${flavour}`;
    const message = { script: `${folder}/dynasty.js`, binary: `${folder}/dynasty_bg.wasm`, threads };
    return await page.evaluate(
      (message) =>
        new Promise((resolve, reject) => {
          const worker = new Worker("/engine.js", { type: "module" });
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message));
          worker.postMessage(message);
        }),
      message,
    );
  } finally {
    await page.close();
    await server.close();
  }
}

for (const flavour of ["simd128", "relaxed"]) {
  for (const isolated of [false, true]) {
    test(`${flavour} starts in a page ${isolated ? "with" : "without"} isolation`, async () => {
      assert.deepEqual(await start(flavour, { isolated }), { shared: false, isolated });
    });
  }
}

for (const threads of [1, 2, 3]) {
  test(`threads starts with ${threads} in a page with isolation`, async () => {
    assert.deepEqual(await start("threads", { threads, isolated: true }), { shared: true, isolated: true });
  });
}

test("memory cannot be shared in a page without isolation", async () => {
  const { error } = await start("threads", { threads: 2, isolated: false });
  assert.match(error, /SharedArrayBuffer/);
});
