// Each wasm module, as it comes from the linker: it starts in a worker, and threads share its memory.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, root, serveFolder } from "./browser.mjs";
import { startWorker, texts } from "./worker.mjs";

/** Starts a module and an engine in it. */
const ANSWER = `async function answer({ folder, threads }) {
  const { glue, memory } = await start({ folder, threads });
  new glue.Engine({ threads, subgroups: false }).dispose(1);
  const shared = Object.prototype.toString.call(memory.buffer) === "[object SharedArrayBuffer]";
  return { shared, isolated: crossOriginIsolated };
}`;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Starts a module in a new page and says what came of it. */
async function start(flavour, { threads = 1, isolated }) {
  const server = await serveFolder(root, { isolated, texts: texts(ANSWER) });
  const page = await browser.newPage();
  try {
    const ask = await startWorker(page, server.url);
    return await ask({ folder: `/pkg/wasm/${flavour}`, threads });
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
  await assert.rejects(start("threads", { threads: 2, isolated: false }), /SharedArrayBuffer/);
});
