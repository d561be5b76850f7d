// @ts-check
/** Two thousand tokens take no more memory than a hundred: neither the module's heap nor buffers on the GPU grow. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, makeModels, serve } from "./harness.mjs";

/** Counts the buffers that a worker makes on its devices, and their bytes. */
const COUNT_BUFFERS = `
self.made = { buffers: 0, bytes: 0 };
if (self.GPUDevice) {
  const original = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function createBuffer(wanted) {
    self.made.buffers += 1;
    self.made.bytes += wanted.size;
    return original.call(this, wanted);
  };
}
`;

const models = makeModels();
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;

before(async () => {
  browser = await launch();
  server = await serve(models.folder);
});

after(async () => {
  await browser?.close();
  await server?.close();
  models.remove();
});

/** Writes so many tokens, twice. @param {string} device @param {number} tokens */
async function write(device, tokens) {
  const page = await browser.newPage();
  /** @type {Promise<{ buffers: number, bytes: number }> | undefined} */
  let made;
  await page.route(/\/worker[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: COUNT_BUFFERS + (await response.text()) });
  });
  // The page stops its engine when it has finished, and with it the count: so it is asked for before.
  await page.exposeFunction("beforeEnd", () => (made = count(page)));
  await page.addInitScript("const end = Worker.prototype.terminate; Worker.prototype.terminate = function () { beforeEnd().then(() => end.call(this)); };");
  await page.goto(`${server.url}/bench.html?${new URLSearchParams({ model: "plain", device, context: "2048", prompt: "8", tokens: String(tokens), runs: "1" })}`);
  const result = page.locator("#result");
  await result.waitFor({ state: "visible", timeout: 300_000 });
  const { error, peak_rss_bytes: heap } = JSON.parse((await result.textContent()) ?? "");
  assert.equal(error, undefined);
  while (made === undefined) await page.waitForTimeout(50);
  const figures = { heap, ...(await made) };
  await page.close();
  return figures;
}

/** @param {import("playwright-core").Page} page */
async function count(page) {
  for (const worker of page.workers()) {
    const made = await worker.evaluate(() => /** @type {any} */ (self).made);
    if (made) return made;
  }
  return assert.fail("no worker counts its buffers");
}

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: memory is flat`, { timeout: 600_000 }, async (context) => {
    const [few, many] = [await write(device, 100), await write(device, 2000)];
    context.diagnostic(`after 100 tokens ${JSON.stringify(few)}, after 2,000 ${JSON.stringify(many)}`);
    assert.ok(few.heap > 1_000_000);
    assert.equal(many.heap, few.heap, "the heap grew");
    assert.deepEqual([many.buffers, many.bytes], [few.buffers, few.bytes], "tokens made buffers");
    assert.equal(few.buffers > 0, device === "webgpu");
  });
}
