// @ts-check
/** The project's own models: pages open with them, nothing asked and nothing beside the clone. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "./browser.mjs";
import { ChatPage, launch, serve } from "./harness.mjs";

/** @type {{ name: string, task: string, default?: boolean }[]} */
const MANIFEST = JSON.parse(readFileSync(join(root, "models-quantized/manifest.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "dynasty-own-"));
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

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: the chat opens with the default model and answers`, { timeout: 180_000 }, async () => {
    const chat = await ChatPage.open(browser, server.url, { device, temperature: "0", max_tokens: "16" }, "en-GB", true);
    await chat.state("ready");
    const name = MANIFEST.find((model) => model.task === "chat" && model.default)?.name ?? "there is no default";
    assert.ok((await chat.page.getByTitle("Change model").innerText()).includes(name));
    const answer = await chat.ask("Hello!");
    assert.match(answer, /[A-Za-z]/);
    assert.deepEqual(chat.faults, []);
    await chat.close();
  });
}

/** Below it a mask is of something else. */
const LEAST_OVERLAP = 0.25;
/** The mean over the sample's objects; over many held-out scenes it is what the model's card says of a click. */
const MEAN_OVERLAP = 0.55;

for (const device of ["wasm", "webgpu"]) {
  test(`${device}: segment opens with the default model and cuts out what is clicked`, { timeout: 180_000 }, async () => {
    const emoji = join(root, "tests/fixtures/emoji");
    const owner = `data:image/png;base64,${readFileSync(join(emoji, "owner.png")).toString("base64")}`;
    /** @type {Record<string, [number, number]>} */
    const places = JSON.parse(readFileSync(join(emoji, "places.json"), "utf8"));
    const page = await browser.newPage({ locale: "en-GB", viewport: { width: 1200, height: 900 } });
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${server.url}/segment.html?device=${device}`);
    await page.getByRole("button", { name: "A drawn sample" }).click({ timeout: 120_000 });
    const canvas = page.locator("canvas.picture");
    await canvas.waitFor();
    const ready = () => page.waitForSelector('dynasty-segment[data-state="ready"]', { timeout: 60_000 });
    await ready();
    await page.getByLabel("Preview under the pointer").uncheck();
    const overlaps = [];
    for (const [object, [x, y]] of Object.entries(places)) {
      const area = await canvas.boundingBox();
      assert.ok(area, "there is no picture");
      await page.mouse.click(area.x + ((x + 0.5) * area.width) / 640, area.y + ((y + 0.5) * area.height) / 480);
      await page.waitForFunction(() => document.querySelector("dynasty-segment")?.shadowRoot?.querySelectorAll(".masks button").length === 3);
      await ready();
      overlaps.push(await page.evaluate(overlap, { owner, object: Number(object) }));
      await page.getByRole("button", { name: "Clear" }).click();
    }
    console.log(`${device}: overlaps ${overlaps.map((value) => value.toFixed(3)).join(", ")}`);
    assert.equal(overlaps.length, 6);
    assert.ok(Math.min(...overlaps) > LEAST_OVERLAP, String(overlaps));
    assert.ok(overlaps.reduce((a, b) => a + b) / overlaps.length > MEAN_OVERLAP, String(overlaps));
    // So small a model is sure of little; what it is not sure of is shown on request.
    await page.getByRole("button", { name: "Everything", exact: true }).click();
    const said = page.locator('[data-role="objects"]');
    await said.waitFor({ timeout: 90_000 });
    const uncertain = page.getByRole("button", { name: "Everything, uncertain ones too" });
    if (await uncertain.isVisible()) await uncertain.click();
    await said.filter({ hasText: /[1-9]/ }).waitFor({ timeout: 90_000 });
    assert.deepEqual(faults, []);
    await page.close();
  });
}

/** In the page: how far the drawn mask overlaps with an object of the picture of owners. @param {{ owner: string, object: number }} of */
async function overlap({ owner, object }) {
  const layer = document.querySelector("dynasty-segment")?.shadowRoot?.querySelector(".masks-layer");
  if (!(layer instanceof HTMLCanvasElement)) throw new Error("there is no layer of masks");
  const { width, height } = layer;
  const truth = new OffscreenCanvas(width, height).getContext("2d");
  const drawn = layer.getContext("2d");
  if (!truth || !drawn) throw new Error("there is no canvas");
  truth.drawImage(await createImageBitmap(await (await fetch(owner)).blob()), 0, 0);
  const [mask, owners] = [drawn, truth].map((context) => context.getImageData(0, 0, width, height).data);
  let [both, any] = [0, 0];
  for (let i = 0; i < width * height; i++) {
    const [a, b] = [Number(mask?.[4 * i + 3]) > 0, owners?.[4 * i] === object];
    both += Number(a && b);
    any += Number(a || b);
  }
  return both / any;
}
