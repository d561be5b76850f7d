// @ts-check
/** The page `bench.html` leaves the figures of the command-line contract. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, makeModels, serve } from "./harness.mjs";

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

/** @param {string} query */
async function measure(query) {
  const page = await browser.newPage();
  await page.goto(`${server.url}/bench.html?${query}`);
  const result = page.locator("#result");
  await result.waitFor({ state: "visible", timeout: 200_000 });
  const figures = JSON.parse((await result.textContent()) ?? "");
  await page.close();
  return figures;
}

for (const query of ["model=chat&device=wasm&threads=1", "model=/models/chat/&device=webgpu", "shape=tiny15m&quant=q4_0&device=wasm"]) {
  test(query, { timeout: 240_000 }, async () => {
    const figures = await measure(`${query}&prompt=16&tokens=8`);
    assert.equal(figures.error, undefined, JSON.stringify(figures));
    for (const name of ["prefill_tokens_per_s", "decode_tokens_per_s", "load_ms", "peak_rss_bytes", "weight_bytes"]) {
      assert.ok(figures[name] > 0, `${name} of ${JSON.stringify(figures)}`);
    }
    assert.ok(figures.kernels.length > 0 && figures.runs.length >= 5);
  });
}

test("a model that only reads is measured by the larger module", { timeout: 240_000 }, async () => {
  const figures = await measure("shape=minilm-l6&quant=q8_0&device=wasm&prompt=16&runs=5");
  assert.equal(figures.error, undefined, JSON.stringify(figures));
  assert.ok(figures.latency_ms > 0 && figures.runs.length >= 5, JSON.stringify(figures));
});

test("what cannot be measured says why", { timeout: 60_000 }, async () => {
  assert.equal((await measure("shape=none&device=wasm")).error.code, "argument");
});
