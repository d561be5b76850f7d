// @ts-check
/** The page `see` opens with the project's own model, which reads what is written on the page's sheet. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "./browser.mjs";
import { launch, serve } from "./harness.mjs";

/** @type {{ name: string, file: string, task: string, default?: boolean }[]} */
const MANIFEST = JSON.parse(readFileSync(join(root, "models-quantized/manifest.json"), "utf8"));
const OWN = MANIFEST.find((model) => model.task === "see" && model.default);
const PROGRAM = process.env["DYNASTY"] ?? join(root, "target/ci/dynasty");
/** How far probabilities may lie apart: three digits are shown, and activations are rounded on a GPU. */
const APART = 2e-3;

const folder = mkdtempSync(join(tmpdir(), "dynasty-digits-"));
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;

before(async () => {
  browser = await launch();
  server = await serve(folder);
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Digits as one writes them, in hundredths of the sheet. @type {Readonly<Record<string, readonly (readonly [number, number])[]>>} */
const STROKES = {
  0: [[50, 14], [34, 24], [28, 50], [34, 76], [50, 86], [66, 76], [72, 50], [66, 24], [50, 14]],
  1: [[54, 14], [52, 50], [50, 86]],
  2: [[30, 32], [38, 18], [58, 16], [68, 30], [62, 48], [44, 66], [30, 84], [74, 84]],
  3: [[32, 20], [50, 14], [66, 26], [62, 40], [46, 48], [64, 56], [68, 72], [50, 86], [30, 78]],
  7: [[28, 20], [72, 20], [58, 52], [48, 86]],
};

/** @param {import("playwright-core").Page} page */
const ready = (page) => page.waitForSelector('dynasty-see[data-state="ready"]', { timeout: 120_000 });

/** The classes that are shown. @param {import("playwright-core").Page} page */
async function classes(page) {
  await page.locator('[data-role="classes"] li').first().waitFor({ timeout: 120_000 });
  await ready(page);
  const rows = await page.locator('[data-role="classes"] li').evaluateAll((items) => items.map((item) => [item.querySelector("span")?.textContent, item.querySelector("output")?.title]));
  return rows.map(([label, score]) => ({ label: String(label), score: Number(score) }));
}

/** Does something that has the model look at a new picture; the classes then. @param {import("playwright-core").Page} page @param {() => Promise<unknown>} act */
async function lookedAfter(page, act) {
  await page.evaluate(() => {
    const element = document.querySelector("dynasty-see");
    const seen = /** @type {any} */ (globalThis);
    seen.looked = false;
    const watch = new MutationObserver(() => {
      if (element?.dataset["state"] !== "ready") return;
      watch.disconnect();
      seen.looked = true;
    });
    if (element) watch.observe(element, { attributes: true, attributeFilter: ["data-state"] });
  });
  await act();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).looked === true, undefined, { timeout: 60_000 });
  return classes(page);
}

/** What the program says of the picture that the page shows. @param {import("playwright-core").Page} page */
async function native(page) {
  const url = await page.locator("canvas.picture").evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL("image/png"));
  const file = join(folder, "shown.png");
  writeFileSync(file, Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
  const said = execFileSync(PROGRAM, ["classify-image", file, "--model", join(root, "models-quantized", OWN?.file ?? ""), "--device", "cpu", "--json"]);
  return /** @type {{ label: string, score: number }[]} */ (JSON.parse(said.toString()).classes[0]);
}

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: see opens with the default model, and it reads what is written`, { timeout: 240_000 }, async () => {
    assert.ok(OWN, "there is no default");
    const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1200, height: 900 } });
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${server.url}/see.html?device=${device}`);
    // Nothing was asked: there are a model, a picture, its classes and where it was looked.
    assert.equal((await classes(page))[0]?.label, "5");
    assert.ok((await page.getByTitle("Change model").innerText()).includes(OWN.name));
    assert.equal(await page.getByRole("combobox", { name: "Layer" }).locator("option").count(), 5);
    const sheet = page.locator("dynasty-pad canvas");
    for (const [digit, [first, ...rest]] of Object.entries(STROKES)) {
      const shown = await lookedAfter(page, async () => {
        await page.locator("dynasty-pad").getByRole("button", { name: "Wipe" }).click();
        const area = await sheet.boundingBox();
        assert.ok(area && first, "there is no sheet");
        /** @param {readonly [number, number]} to */
        const move = ([x, y]) => page.mouse.move(area.x + (x * area.width) / 100, area.y + (y * area.height) / 100, { steps: 4 });
        await move(first);
        await page.mouse.down();
        for (const place of rest) await move(place);
        await page.mouse.up();
      });
      assert.equal(shown[0]?.label, digit, JSON.stringify(shown));
      const wanted = await native(page);
      for (const { label, score } of shown) {
        const same = wanted.find((one) => one.label === label);
        assert.ok(same && Math.abs(same.score - score) < APART, `${digit}: ${JSON.stringify(shown)}, natively ${JSON.stringify(wanted)}`);
      }
    }
    // The keys write too.
    let right = 0;
    for (const key of "0123456789") right += Number((await lookedAfter(page, () => sheet.press(key)))[0]?.label === key);
    assert.ok(right >= 9, `${right} of 10 keys`);
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("on a phone and in Chinese", { timeout: 240_000 }, async () => {
  const page = await browser.newPage({ locale: "zh-CN", viewport: { width: 390, height: 780 }, hasTouch: true });
  await page.goto(`${server.url}/see.html?device=wasm`);
  assert.equal((await classes(page))[0]?.label, "5");
  await page.getByRole("heading", { name: "写一个数字" }).waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} pixels wide`);
  // What is asked for in the address comes instead of the sample.
  await page.goto(`${server.url}/see.html?device=wasm&panel=match`);
  await page.getByRole("heading", { name: "自定标签" }).waitFor();
  assert.equal(await page.locator("dynasty-pad").count(), 0);
  await page.close();
});
