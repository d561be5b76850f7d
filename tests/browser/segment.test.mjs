// @ts-check
/** The page that cuts out objects, as people use it: a picture, clicks, a box, files. The reference's masks. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "./browser.mjs";
import { launch, serve } from "./harness.mjs";

const FIXTURES = join(root, "tests/fixtures");

/** Pixels of the picture. */
const [WIDTH, HEIGHT] = [50, 37];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let site;
/** What the reference library says, by name. @type {Map<string, Float32Array>} */
let values;

before(async () => {
  values = readTensors(join(FIXTURES, "looking/values.safetensors"));
  [browser, site] = await Promise.all([launch(), serve(join(FIXTURES, "models"))]);
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** The floats and bytes of a safetensors file. @param {string} file */
function readTensors(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString());
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const read = (/** @type {any} */ { dtype, data_offsets: [from, to] }) => {
    const own = new Uint8Array(bytes.subarray(start + from, start + to));
    return dtype === "F32" ? new Float32Array(own.buffer) : Float32Array.from(own);
  };
  return new Map(entries.map(([name, about]) => [name, read(about)]));
}

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
