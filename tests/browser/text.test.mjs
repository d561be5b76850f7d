// @ts-check
/** The page of reading models, as people use it: pick a model, type, see the result and the tokens. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "./browser.mjs";
import { launch, serve } from "./harness.mjs";

const FIXTURES = join(root, "tests/fixtures/tasks");

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), serve(FIXTURES)]);
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** What the reference library says. @param {string} name */
const cases = (name) => JSON.parse(readFileSync(join(FIXTURES, name, "cases.json"), "utf8"));

/** @param {Record<string, string>} parameters */
async function open(parameters) {
  const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1100, height: 900 } });
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${site.url}/text.html?${new URLSearchParams(parameters)}`);
  return { page, faults };
}

/** @param {import("playwright-core").Page} page @param {string} state */
const state = (page, state) => page.waitForSelector(`dynasty-text[data-state="${state}"]`, { timeout: 120_000 });

/** Writes a text, runs, and gives the result's words. @param {import("playwright-core").Page} page @param {string} text */
async function run(page, text) {
  await page.locator("textarea").fill(text);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.locator('[data-role="result"]').waitFor();
  await state(page, "ready");
}

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: gaps are filled, and a word can be taken`, { timeout: 240_000 }, async () => {
    const [first] = cases("fill_mask");
    const { page, faults } = await open({ model: "fill_mask", device });
    await state(page, "ready");
    await run(page, first.text);
    const words = await page.locator(".bars li button").allTextContents();
    assert.deepEqual(words.slice(0, first.result.length), first.result.map((/** @type {any} */ word) => word.token_str));
    const tokens = await page.locator(".tokens li").allTextContents();
    assert.deepEqual(tokens, ["[CLS]", "The", "old", "[MASK]", "sleeps", ".", "[SEP]"]);
    await page.locator(".bars li button").nth(1).click();
    assert.equal(await page.locator("textarea").inputValue(), first.result[1].sequence);
    await run(page, "no gap at all").catch(() => undefined);
    assert.match((await page.getByRole("alert").textContent()) ?? "", /has no \[MASK\]/);
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("a model is picked by its task, in English and in Chinese", { timeout: 240_000 }, async () => {
  const { page, faults } = await open({ device: "wasm", task: "classify" });
  await page.getByRole("button", { name: /classify_multi/ }).waitFor();
  assert.deepEqual(await page.locator(".card strong").allTextContents(), ["classify", "classify_multi", "classify_number"]);
  await page.getByRole("button", { name: /classify_multi/ }).click();
  await state(page, "ready");
  const [first] = cases("classify_multi");
  await run(page, first.text);
  assert.deepEqual(await page.locator(".bars li span").allTextContents(), first.result.map((/** @type {any} */ one) => one.label));
  await page.getByRole("tab", { name: "Answer" }).click();
  assert.match((await page.locator("main").textContent()) ?? "", /The loaded model is for “Classify”/);
  await page.getByRole("button", { name: /^answer \d/ }).click();
  await state(page, "ready");
  const [asked] = cases("answer");
  await page.getByLabel("Question").fill(asked.question);
  await run(page, asked.context);
  assert.equal(await page.locator("mark").first().textContent(), asked.result[0].answer);
  await page.getByRole("button", { name: "中文" }).click();
  await page.getByRole("tab", { name: "比较" }).click();
  await page.getByRole("button", { name: /^embed \d/ }).click();
  await state(page, "ready");
  await page.getByRole("button", { name: "运行" }).click();
  await page.locator(".cosines").waitFor();
  assert.equal(await page.locator(".cosines tbody tr").count(), 3);
  assert.deepEqual(faults, []);
  await page.close();
});
