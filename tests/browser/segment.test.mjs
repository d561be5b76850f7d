// @ts-check
/** The page that cuts out objects, as people use it: a picture, clicks, a box, files. The reference's masks. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root, serveFolder } from "./browser.mjs";
import { gather, launch, readTensors, serve } from "./harness.mjs";

const FIXTURES = join(root, "tests/fixtures");

/** How the reference looked for everything. */
const EVERYTHING = { points_per_side: 6, pred_iou_thresh: 0.24, stability_score_thresh: 0.2, stability_score_offset: 0.05, mask_threshold: 0.25, box_nms_thresh: 0.985, crop_nms_thresh: 0.985 };

/** Pixels of the picture. */
const [WIDTH, HEIGHT] = [50, 37];

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
  values = readTensors(join(FIXTURES, "looking/values.safetensors"));
  models = gather({ sam_points: "models/sam_points", clip: "looking/clip", vit: "models/vit_labels" });
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
const wanted = (name) => values.get(name) ?? assert.fail(`there is no ${name}`);

/** @param {import("playwright-core").Page} page */
const ready = (page) => page.waitForSelector('dynasty-segment[data-state="ready"]', { timeout: 120_000 });

/** A place of the picture on the screen. @param {import("playwright-core").Page} page @param {number} x @param {number} y */
async function at(page, x, y) {
  const area = await page.locator("canvas.picture").boundingBox();
  if (!area) throw new Error("there is no picture");
  return /** @type {const} */ ([area.x + (x * area.width) / WIDTH, area.y + (y * area.height) / HEIGHT]);
}

/** Waits for an answer with so many masks, and compares it. @param {import("playwright-core").Page} page @param {string} name */
async function compare(page, name) {
  const scores = [...wanted(`${name}.scores`)];
  await page.waitForFunction((n) => document.querySelector("dynasty-segment")?.shadowRoot?.querySelectorAll(".masks button").length === n, scores.length);
  await ready(page);
  const shown = await page.locator(".masks button").allTextContents();
  shown.forEach((text, i) => assert.ok(Math.abs(Number(text) - /** @type {number} */ (scores[i])) < 2e-3, `${name}: ${text}, expected ${scores[i]}`));
  const best = scores.indexOf(Math.max(...scores));
  const mask = wanted(`${name}.masks`).subarray(best * WIDTH * HEIGHT, (best + 1) * WIDTH * HEIGHT);
  const drawn = await page.evaluate(() => {
    const canvas = document.querySelector("dynasty-segment")?.shadowRoot?.querySelector(".masks-layer");
    if (!(canvas instanceof HTMLCanvasElement)) throw new Error("there is no layer of masks");
    const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => /** @type {number} */ (data[4 * i + 3]) > 0);
  });
  const both = drawn.filter((inside, i) => inside && /** @type {number} */ (mask[i]) > 0.5).length;
  const any = drawn.filter((inside, i) => inside || /** @type {number} */ (mask[i]) > 0.5).length;
  assert.ok(any === 0 || both / any > 0.99, `${name}: the masks overlap by ${both / any}`);
  return mask.filter((value) => value > 0.5).length;
}

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: clicks, a box, undo, files`, { timeout: 240_000 }, async () => {
    const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1200, height: 900 } });
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${site.url}/segment.html?${new URLSearchParams({ model: "sam_points", device })}`);
    await page.getByRole("button", { name: "Open picture" }).waitFor({ timeout: 120_000 });
    await page.locator("input.photo").setInputFiles(join(FIXTURES, "looking/0.png"));
    await page.locator("canvas.picture").waitFor();
    await ready(page);
    await page.getByLabel("Preview under the pointer").uncheck();

    await page.mouse.click(...(await at(page, 20, 9)));
    await compare(page, "sam.0.0");
    await page.keyboard.down("Shift");
    await page.mouse.click(...(await at(page, 1, 30)));
    await page.keyboard.up("Shift");
    await compare(page, "sam.0.1");
    await page.getByRole("button", { name: "Undo" }).click();
    await compare(page, "sam.0.0");
    await page.getByRole("button", { name: "Redo" }).click();
    await compare(page, "sam.0.1");
    await page.getByRole("button", { name: "Clear" }).click();
    assert.equal(await page.locator(".masks button").count(), 0);

    await page.mouse.move(...(await at(page, 4, 5)));
    await page.mouse.down();
    await page.mouse.move(...(await at(page, 10, 15)));
    await page.mouse.move(...(await at(page, 18, 29)));
    await page.mouse.up();
    const area = await compare(page, "sam.0.2");

    const [coco] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "COCO (JSON)" }).click()]);
    const { annotations, images } = JSON.parse(readFileSync(await coco.path(), "utf8"));
    assert.deepEqual([images[0].width, images[0].height, annotations.length], [WIDTH, HEIGHT, 1]);
    assert.ok(Math.abs(annotations[0].area - area) <= 0.01 * area, `${annotations[0].area} pixels, expected ${area}`);
    const [svg] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "SVG" }).click()]);
    assert.match(readFileSync(await svg.path(), "utf8"), /^<svg [^>]*viewBox="0 0 50 37"><path id="mask-0" [^>]*d="M/);
    const [png] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Cut-out (PNG)" }).click()]);
    assert.deepEqual([...readFileSync(await png.path()).subarray(1, 4)], [...Buffer.from("PNG")]);

    await page.getByRole("button", { name: "Everything" }).click();
    await page.locator('[data-role="objects"]').waitFor({ timeout: 120_000 });
    await ready(page);

    await page.locator("input.photo").setInputFiles({ name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") });
    await page.getByRole("alert").waitFor();
    assert.match((await page.getByRole("alert").textContent()) ?? "", /broken\.png/);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.mouse.click(...(await at(page, 20, 9)));
    await compare(page, "sam.0.0");
    assert.deepEqual(faults, []);
    await page.close();
  });
}

test("a finger and the keyboard point as well", { timeout: 240_000 }, async () => {
  const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1200, height: 900 }, hasTouch: true });
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(`${site.url}/segment.html?${new URLSearchParams({ model: "sam_points", device: "wasm" })}`);
  await page.locator("input.photo").setInputFiles(join(FIXTURES, "looking/0.png"));
  await page.locator("canvas.picture").waitFor();
  await ready(page);

  await page.touchscreen.tap(...(await at(page, 20, 9)));
  await compare(page, "sam.0.0");
  await page.getByRole("button", { name: "− Beside it" }).tap();
  await page.touchscreen.tap(...(await at(page, 1, 30)));
  await compare(page, "sam.0.1");

  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("dynasty-segment")?.shadowRoot?.querySelectorAll(".masks button").length === 0);
  await page.getByRole("button", { name: "+ Object" }).click();
  await page.locator("canvas.picture").focus();
  // From the middle, (25, 18.5), by steps of 1.25 and with shift of 0.25 pixels.
  const press = async (/** @type {string} */ key, /** @type {number} */ times) => {
    for (let i = 0; i < times; i++) await page.keyboard.press(key);
  };
  await press("ArrowLeft", 1 + 4);
  await press("ArrowUp", 7);
  await press("Shift+ArrowUp", 3);
  await press("Enter", 1);
  await compare(page, "sam.0.0");
  assert.deepEqual(faults, []);
  await page.close();
});

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: words find objects`, { timeout: 240_000 }, async () => {
    const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1200, height: 900 } });
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${site.url}/segment.html?${new URLSearchParams({ model: "sam_points", device })}`);
    await page.locator("input.photo").setInputFiles(join(FIXTURES, "looking/0.png"));
    await page.locator("canvas.picture").waitFor();
    await ready(page);
    await page.evaluate((finding) => {
      const element = document.querySelector("dynasty-segment");
      if (element) element.finding = finding;
    }, { everything: EVERYTHING, least: -1, margin: 2 });
    await page.getByLabel("Find by words").fill("newest wide");
    await page.getByRole("button", { name: "Find", exact: true }).click();
    // What knows words is asked for when it is needed; a model for something else is not offered.
    await page.getByRole("button", { name: /^clip/ }).waitFor();
    assert.deepEqual(await page.locator(".card strong").allTextContents(), ["clip"]);
    await page.getByRole("button", { name: /^clip/ }).click();
    await page.locator('[data-role="objects"]').waitFor({ timeout: 120_000 });
    await ready(page);
    const objects = wanted("everything.scores").length;
    assert.equal(await page.locator('[data-role="objects"]').textContent(), `${objects} objects`);
    const fits = (await page.locator('[data-role="fits"] output').allTextContents()).map((fit) => Number(fit.replace("−", "-")));
    assert.equal(fits.length, objects);
    assert.ok(fits.every((fit, i) => Math.abs(fit) <= 1 && (i === 0 || fit <= /** @type {number} */ (fits[i - 1]))), fits.join());
    await page.getByRole("button", { name: "Object 1", exact: true }).click();
    assert.equal(await page.locator(".masks button").count(), 1);
    // With a small margin only the best is left, at once.
    await page.evaluate((finding) => {
      const element = document.querySelector("dynasty-segment");
      if (element) element.finding = finding;
    }, { everything: EVERYTHING, least: -1, margin: 0 });
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await page.getByText("1 object", { exact: true }).waitFor();
    assert.equal((await page.locator('[data-role="fits"] output').textContent())?.replace("−", "-"), String(fits[0]));
    assert.deepEqual(faults, []);
    await page.close();
  });

  test(`${device}: the objects that words mean, by the engine`, { timeout: 240_000 }, async () => {
    const picture = readFileSync(join(FIXTURES, "looking/0.png")).toString("base64");
    const page = await browser.newPage();
    await page.goto(`${library.url}/page.html`);
    const said = await page.evaluate(
      async ({ device, picture, everything }) => {
        const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
        const dynasty = await Dynasty.create({ device, threads: 2 });
        const [segmenter, matcher] = [await dynasty.loadSegmenter("/tests/fixtures/models/sam_points/"), await dynasty.loadMatcher("/tests/fixtures/looking/clip/")];
        const blob = await (await fetch(`data:image/png;base64,${picture}`)).blob();
        await segmenter.setImage(blob);
        /** @type {string[]} */
        const stages = [];
        const onProgress = (/** @type {any} */ { stage, done, total }) => stages.push(`${stage} ${done}/${total}`);
        const all = await segmenter.find("newest wide", matcher, { everything, least: -1, margin: 2, onProgress });
        const before = stages.length;
        const again = await segmenter.find("low lower", matcher, { everything, least: -1, margin: 0, onProgress });
        const [text] = [await matcher.embedText("newest wide")];
        const bitmap = await createImageBitmap(blob);
        const cosines = [];
        for (const { box } of all) {
          const cut = await createImageBitmap(bitmap, box[0], box[1], box[2] - box[0], box[3] - box[1]);
          const vector = await matcher.embedImage(cut);
          cosines.push(vector.reduce((/** @type {number} */ sum, /** @type {number} */ value, /** @type {number} */ i) => sum + value * text[i], 0));
        }
        const stopper = new AbortController();
        const ended = segmenter.find("the end", matcher, { everything: { ...everything, points_per_side: 32 }, signal: stopper.signal }).catch((/** @type {any} */ error) => error.code);
        setTimeout(() => stopper.abort(), 50);
        const aborted = await ended;
        const empty = await segmenter.find(" ", matcher, { everything }).catch((/** @type {any} */ error) => error.code);
        await matcher.dispose();
        const gone = await segmenter.find("low", matcher, { everything }).catch((/** @type {any} */ error) => error.code);
        dynasty.dispose();
        return { fits: all.map((/** @type {any} */ one) => one.fit), cosines, best: again.length, stages, silent: stages.length === before, aborted, empty, gone };
      },
      { device, picture, everything: EVERYTHING },
    );
    assert.equal(said.fits.length, wanted("everything.scores").length);
    said.fits.forEach((/** @type {number} */ fit, /** @type {number} */ i) => assert.ok(Math.abs(fit - /** @type {number} */ (said.cosines[i])) < 1e-3, `${fit} ${said.cosines[i]}`));
    assert.ok(said.fits.every((/** @type {number} */ fit, /** @type {number} */ i) => i === 0 || fit <= /** @type {number} */ (said.fits[i - 1])));
    assert.ok(said.stages.includes("search 36/36") && said.stages.at(-1) === `describe ${said.fits.length}/${said.fits.length}`, said.stages.join());
    assert.deepEqual([said.best, said.silent, said.aborted, said.empty, said.gone], [1, true, "aborted", "prompt", "disposed"]);
    await page.close();
  });
}
