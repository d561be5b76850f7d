// @ts-check
/** What models see in pictures: the engine's numbers against the reference library's, and the page as people use it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root, serveFolder } from "./browser.mjs";
import { gather, launch, readTensors, serve } from "./harness.mjs";

const FIXTURES = join(root, "tests/fixtures");
const PICTURES = [0, 1].map((i) => join(FIXTURES, `looking/${i}.png`));

/** The classes of the models, and the labels of the CLIP, in the order of the reference's values. */
const CLASSES = ["cat", "dog", "bird"];
const LABELS = ["low lower", "newest wide", "the end"];

/** The largest difference from the reference's values. */
const APART = { wasm: 2e-5, webgpu: 2e-4 };

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let site;
/** The engine without a page. @type {{ url: string, close(): Promise<unknown> }} */
let library;
/** @type {{ folder: string, remove(): void }} */
let models;
/** What the reference library says, by name. @type {Map<string, Float32Array>} */
let values;

before(async () => {
  values = new Map([...readTensors(join(FIXTURES, "looking/values.safetensors")), ...readTensors(join(FIXTURES, "looking/attention.safetensors"))]);
  models = gather({ vit: "models/vit_labels", dinov2: "models/dinov2_base", clip: "looking/clip", sam: "models/sam_points" });
  const texts = { "/page.html": "<!doctype html><link rel=icon href=data:,>" };
  [browser, site, library] = await Promise.all([launch(), serve(models.folder), serveFolder(root, { texts })]);
});

after(async () => {
  await browser?.close();
  await site?.close();
  await library?.close();
  models?.remove();
});

/** @param {string} name */
const wanted = (name) => [...(values.get(name) ?? assert.fail(`there is no ${name}`))];

/** Some of a result, of `each` values. @param {string} name @param {number} i @param {number} each */
const row = (name, i, each) => wanted(name).slice(i * each, (i + 1) * each);

/** @param {string} what @param {readonly number[]} got @param {readonly number[]} expected @param {number} apart */
function near(what, got, expected, apart) {
  assert.equal(got.length, expected.length, what);
  expected.forEach((value, i) => {
    const found = /** @type {number} */ (got[i]);
    assert.ok(Math.abs(found - value) <= apart * Math.max(1, Math.abs(value)), `${what} ${i}: ${found}, expected ${value}`);
  });
}

/** Scores in the order of the names. @param {readonly { label: string, score: number }[]} labels @param {readonly string[]} names */
const byName = (labels, names) => names.map((name) => labels.find(({ label }) => label === name)?.score ?? Number.NaN);

for (const device of /** @type {const} */ (["wasm", "webgpu"])) {
  test(`${device} sees as the reference does`, { timeout: 240_000 }, async () => {
    const page = await browser.newPage();
    await page.goto(`${library.url}/page.html`);
    const said = await page.evaluate(
      async ({ device, labels }) => {
        const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
        const dynasty = await Dynasty.create({ device, threads: 2 });
        const picture = async (/** @type {number} */ i) => (await fetch(`/tests/fixtures/looking/${i}.png`)).blob();
        const code = (/** @type {any} */ error) => error.code;
        const viewer = await dynasty.loadViewer("/tests/fixtures/models/vit_labels/");
        const classes = [await viewer.classify(await picture(0)), await viewer.classify(await picture(1), { topK: 2 })];
        const early = await viewer.attentionMap().catch(code);
        const attention = await viewer.attend(await picture(0));
        const rollout = [await viewer.attentionMap(), await viewer.attentionMap({ patch: 4 })];
        const head = await viewer.attentionMap({ layer: 1, head: 1, patch: 0 });
        const wrong = [await viewer.attentionMap({ layer: 9 }).catch(code), await viewer.embed(await picture(0)).catch(code)];
        const dinov2 = await dynasty.loadViewer("/tests/fixtures/models/dinov2_base/");
        const vectors = [await dinov2.embed(await picture(0)), await dinov2.embed(await picture(1), { normalize: true })];
        wrong.push(await dinov2.classify(await picture(0)).catch(code), await dinov2.classify(new Blob(["none"])).catch(code));
        const matcher = await dynasty.loadMatcher("/tests/fixtures/looking/clip/");
        const fits = [await matcher.match(await picture(0), labels), await matcher.match(await picture(1), labels)];
        const pictures = [await matcher.embedImage(await picture(0)), await matcher.embedImage(await picture(1))];
        const texts = await matcher.embedText(`a photo of a ${labels[1]}`);
        wrong.push(await matcher.match(await picture(0), []).catch(code), await dynasty.loadMatcher("/tests/fixtures/models/vit_labels/").catch(code));
        const about = [viewer.about, dinov2.about].map(({ classes, embeds, attends }) => [classes, embeds, attends]);
        const runs = matcher.about.info.device;
        await viewer.dispose();
        wrong.push(await viewer.classify(await picture(0)).catch(code));
        dynasty.dispose();
        return { about, runs, classes, early, attention, rollout, head, wrong, vectors, fits, pictures, texts };
      },
      { device, labels: LABELS },
    );
    await page.close();
    const apart = APART[device];
    assert.deepEqual(said.about, [[true, false, true], [false, true, true]]);
    assert.equal(said.runs, device);
    near("classes", byName(said.classes[0], CLASSES), row("vit", 0, 3), apart);
    assert.equal(said.classes[1].length, 2);
    assert.deepEqual(said.attention, { grid: [3, 3], area: [0, 0, 50, 37], layers: 2, heads: 2 });
    near("rollout", said.rollout[0], row("vit_labels.rollout", 0, 9), apart);
    near("rollout of a patch", said.rollout[1], row("vit_labels.rollout", 5, 9), apart);
    near("head", said.head, row("vit_labels.probs", 3 * 10 + 1, 9), apart);
    const width = wanted("dinov2").length / 2;
    near("vector", said.vectors[0], row("dinov2", 0, width), 10 * apart);
    assert.ok(Math.abs(Math.hypot(...said.vectors[1]) - 1) < 1e-4);
    [0, 1].forEach((i) => near(`labels ${i}`, byName(said.fits[i], LABELS), row("clip.fit", i, 3), 10 * apart));
    [0, 1].forEach((i) => near(`picture ${i}`, said.pictures[i], row("clip.pictures", i, 12), 10 * apart));
    near("text", said.texts, row("clip.texts", 1, 12), 10 * apart);
    assert.deepEqual([said.early, ...said.wrong], ["argument", "argument", "unsupported", "unsupported", "damaged", "prompt", "unsupported", "disposed"]);
  });
}

/** @param {Record<string, string>} parameters */
async function open(parameters, viewport = { width: 1200, height: 900 }) {
  const page = await browser.newPage({ locale: "en-GB", viewport });
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${site.url}/see.html?${new URLSearchParams(parameters)}`);
  return { page, faults };
}

/** @param {import("playwright-core").Page} page */
const ready = (page) => page.waitForSelector('dynasty-see[data-state="ready"]', { timeout: 120_000 });

/** Names and scores of bars. @param {import("playwright-core").Page} page @param {string} role */
async function bars(page, role) {
  await page.locator(`[data-role="${role}"]`).waitFor({ timeout: 120_000 });
  await ready(page);
  const rows = await page.locator(`[data-role="${role}"] li`).evaluateAll((items) => items.map((item) => [item.querySelector("span")?.textContent, item.querySelector("output")?.title]));
  return rows.map(([label, score]) => ({ label: String(label), score: Number(score) }));
}

/** The layer's opacity at the middle of each patch. @param {import("playwright-core").Page} page @param {number} rows @param {number} columns */
function opacities(page, rows, columns) {
  return page.evaluate(
    ([rows, columns]) => {
      const canvas = document.querySelector("dynasty-see")?.shadowRoot?.querySelector(".heat-layer");
      if (!(canvas instanceof HTMLCanvasElement)) throw new Error("there is no layer of attention");
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return Array.from({ length: rows * columns }, (_, i) => {
        const [x, y] = [((i % columns) + 0.5) / columns, (Math.floor(i / columns) + 0.5) / rows];
        return /** @type {number} */ (context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[3]) / 255;
      });
    },
    /** @type {const} */ ([rows, columns]),
  );
}

/** How opaque the layer is for some weights: a veil, and colour over it. @param {readonly number[]} weights */
function veiled(weights) {
  const most = Math.max(...weights);
  return weights.map((weight) => {
    const colour = (225 / 255) * Math.sqrt(weight / most);
    return colour + 0.3 * (1 - colour);
  });
}

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: classes, and where the model looks`, { timeout: 240_000 }, async () => {
    const { page, faults } = await open({ model: "vit", device });
    await page.getByRole("button", { name: "Open picture" }).waitFor({ timeout: 120_000 });
    await page.locator("input.photo").setInputFiles(/** @type {string} */ (PICTURES[0]));
    const shown = await bars(page, "classes");
    near("classes", byName(shown, CLASSES), row("vit", 0, 3), 2e-3);
    assert.ok(shown.every(({ score }, i) => i === 0 || score <= /** @type {any} */ (shown[i - 1]).score));
    near("rollout", await opacities(page, 3, 3), veiled(row("vit_labels.rollout", 0, 9)), 0.012);

    await page.getByRole("combobox", { name: "Layer" }).selectOption("Layer 2");
    await page.getByRole("combobox", { name: "Head" }).selectOption("Head 2");
    await page.waitForTimeout(300);
    near("head", await opacities(page, 3, 3), veiled(row("vit_labels.probs", 30, 9)), 0.012);
    // From the middle patch by a key, from the one beside it by another, and back.
    await page.locator("canvas.picture").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(300);
    assert.match((await page.locator('[data-role="from"]').textContent()) ?? "", /row 3, column 2/);
    near("patch", await opacities(page, 3, 3), veiled(row("vit_labels.probs", 30 + 8, 9)), 0.012);
    await page.keyboard.press("Escape");
    const area = await page.locator("canvas.picture").boundingBox();
    if (!area) throw new Error("there is no picture");
    await page.mouse.move(area.x + area.width * 0.9, area.y + area.height * 0.1);
    await page.waitForTimeout(300);
    assert.match((await page.locator('[data-role="from"]').textContent()) ?? "", /row 1, column 3/);
    near("pointed at", await opacities(page, 3, 3), veiled(row("vit_labels.probs", 30 + 3, 9)), 0.012);
    await page.mouse.move(0, 0);
    await page.getByLabel("Show it over the picture").uncheck();
    assert.deepEqual(await opacities(page, 3, 3), Array(9).fill(0));

    await page.locator("input.photo").setInputFiles({ name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") });
    await page.getByRole("alert").waitFor();
    assert.match((await page.getByRole("alert").textContent()) ?? "", /broken\.png/);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.locator("input.photo").setInputFiles(/** @type {string} */ (PICTURES[1]));
    await page.waitForFunction((first) => document.querySelector("dynasty-see")?.shadowRoot?.querySelector('[data-role="classes"] output')?.getAttribute("title") !== first, String(shown[0]?.score));
    near("other classes", byName(await bars(page, "classes"), CLASSES), row("vit", 1, 3), 2e-3);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test(`${device}: labels of one's own, and a search`, { timeout: 240_000 }, async () => {
    const { page, faults } = await open({ device, panel: "match" });
    await page.getByRole("button", { name: /^clip/ }).waitFor({ timeout: 120_000 });
    assert.deepEqual(await page.locator(".card strong").allTextContents(), ["clip"]);
    await page.getByRole("button", { name: /^clip/ }).click();
    await ready(page);
    await page.locator("input.photo").setInputFiles(/** @type {string} */ (PICTURES[0]));
    await page.getByLabel("Labels, one a line").fill(LABELS.join("\n"));
    await page.getByRole("button", { name: "Compare" }).click();
    near("labels", byName(await bars(page, "fits"), LABELS), row("clip.fit", 0, 3), 2e-3);

    await page.getByRole("tab", { name: "Search pictures" }).click();
    await page.locator("input.photo").setInputFiles([
      ...PICTURES.map((file, i) => ({ name: `${i}.png`, mimeType: "image/png", buffer: readFileSync(file) })),
      { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("none") },
    ]);
    await page.getByRole("alert").waitFor({ timeout: 120_000 });
    assert.match((await page.getByRole("alert").textContent()) ?? "", /broken\.png/);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.waitForFunction(() => document.querySelector("dynasty-see")?.shadowRoot?.querySelectorAll(".gallery li").length === 2);
    for (const [i, label] of LABELS.entries()) {
      await page.getByLabel("What the picture shows").fill(`a photo of a ${label}`);
      await page.keyboard.press("Enter");
      await page.getByText(`“a photo of a ${label}”`).waitFor();
      await ready(page);
      const text = row("clip.texts", i, 12);
      const cosines = [0, 1].map((picture) => row("clip.pictures", picture, 12).reduce((sum, value, j) => sum + value * /** @type {number} */ (text[j]), 0));
      const order = [0, 1].sort((a, b) => /** @type {number} */ (cosines[b]) - /** @type {number} */ (cosines[a]));
      assert.deepEqual(await page.locator(".gallery figcaption span").allTextContents(), order.map((picture) => `${picture}.png`));
      const scores = (await page.locator(".gallery output").allTextContents()).map((score) => Number(score.replace("−", "-")));
      near(label, scores, order.map((picture) => /** @type {number} */ (cosines[picture])), 2e-3);
    }
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("the collecting of pictures is cancelled and goes on, on a phone and in Chinese", { timeout: 240_000 }, async () => {
  const { page, faults } = await open({ device: "wasm", panel: "search", model: "clip", lang: "zh" }, { width: 390, height: 780 });
  await page.getByRole("button", { name: "示例图" }).waitFor({ timeout: 120_000 });
  await page.evaluate(() => {
    const element = document.querySelector("dynasty-see");
    const watch = new MutationObserver(() => {
      const stop = element?.shadowRoot?.querySelector(".collecting button");
      if (!(stop instanceof HTMLElement)) return;
      watch.disconnect();
      stop.click();
    });
    if (element?.shadowRoot) watch.observe(element.shadowRoot, { childList: true, subtree: true });
  });
  await page.getByRole("button", { name: "示例图" }).click();
  await page.getByRole("button", { name: "继续看其余图片" }).click();
  await page.waitForFunction(() => document.querySelector("dynasty-see")?.shadowRoot?.querySelector(".collecting") === null);
  await ready(page);
  assert.equal(await page.locator(".gallery li").count(), 5);
  await page.getByLabel("图片的内容").fill("low");
  await page.getByRole("button", { name: "搜索" }).click();
  await page.locator(".gallery output").first().waitFor();
  assert.equal(await page.locator(".gallery output").count(), 5);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} pixels wide`);
  assert.deepEqual(faults, []);
  await page.close();
});
