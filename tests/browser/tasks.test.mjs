// @ts-check
/** Models that read, in a page: the reference's numbers on wasm and on WebGPU. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, root, serveFolder } from "./browser.mjs";

const FIXTURES = join(root, "tests/fixtures/tasks");

/** The largest difference from the reference's values. */
const APART = { wasm: 2e-5, webgpu: 2e-4 };

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;

before(async () => {
  browser = await launch();
  server = await serveFolder(root, { texts: { "/page.html": "<!doctype html><link rel=icon href=data:,>" } });
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** What the reference library says. @param {string} name */
const cases = (name) => JSON.parse(readFileSync(join(FIXTURES, name, "cases.json"), "utf8"));

/**
 * Opens models one after the other in one engine and calls methods of each.
 * @param {string} device
 * @param {[model: string, method: string, ...args: unknown[]][]} calls
 * @returns {Promise<any[]>} what each call gave, or the code of its error
 */
async function read(device, calls) {
  const page = await browser.newPage();
  try {
    await page.goto(`${server.url}/page.html`);
    return await page.evaluate(
      async ({ device, calls }) => {
        const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
        const dynasty = await Dynasty.create({ device, threads: 2 });
        const readers = new Map();
        const open = async (/** @type {string} */ name) => {
          if (!readers.has(name)) readers.set(name, await dynasty.loadReader(`/tests/fixtures/tasks/${name}/`));
          return readers.get(name);
        };
        const results = [];
        for (const [name, method, ...args] of calls) {
          const reader = await open(/** @type {string} */ (name));
          const said = method === "about" ? reader.about : reader[/** @type {string} */ (method)](...args);
          results.push(await Promise.resolve(said).catch((/** @type {any} */ error) => error.code));
        }
        for (const reader of readers.values()) await reader.dispose();
        const gone = await [...readers.values()][0].tokens("a").catch((/** @type {any} */ error) => error.code);
        dynasty.dispose();
        return [...results, gone];
      },
      { device, calls },
    );
  } finally {
    await page.close();
  }
}

/**
 * @param {string} what
 * @param {readonly number[]} got
 * @param {readonly number[]} wanted
 * @param {number} apart
 */
function near(what, got, wanted, apart) {
  assert.equal(got.length, wanted.length, what);
  wanted.forEach((value, i) => {
    const found = /** @type {number} */ (got[i]);
    assert.ok(Math.abs(found - value) <= apart * Math.max(1, Math.abs(value)), `${what} ${i}: ${found}, expected ${value}`);
  });
}

/** @param {any[]} list */
const scores = (list) => list.map(({ score }) => score);
/** @param {any[]} list */
const labels = (list) => list.map(({ label }) => label);
/** @param {any[]} list */
const sequences = (list) => list.map(({ sequence }) => sequence);
/** @param {any} answer */
const stretch = ({ start, end, answer }) => [start, end, answer];

for (const device of /** @type {const} */ (["wasm", "webgpu"])) {
  test(`${device} reads as the reference does`, { timeout: 240_000 }, async () => {
    const [embed, masks, classes, entities, answers] = ["embed", "fill_mask", "classify", "entities", "answer"].map(cases);
    const [mask, single, tagged, question] = [masks[0], classes, entities, answers].map((list) => (Array.isArray(list) ? list[0] : list));
    const said = await read(device, [
      ["embed", "about"],
      ["embed", "embed", embed.texts],
      ["embed", "embed", embed.texts, { pooling: "cls" }],
      ["embed", "embed", embed.texts, { pooling: "middle" }],
      ["embed", "fillMask", "a"],
      ["fill_mask", "fillMask", mask.text, { top_k: 4 }],
      ["classify", "classify", [single.text]],
      ["entities", "entities", tagged.text],
      ["answer", "answer", question.question, question.context, { top_k: 3 }],
      ["answer", "tokens", "The 猫 sleeps"],
    ]);
    const [about, mean, cls, unknown, refused, filled, classified, found, answered, tokens, gone] = said;
    assert.deepEqual(about.tasks, ["embed"]);
    assert.equal(about.info.device, device);
    embed.mean.forEach((/** @type {number[]} */ wanted, /** @type {number} */ i) => near(`mean ${i}`, mean[i], wanted, APART[device]));
    embed.cls.forEach((/** @type {number[]} */ wanted, /** @type {number} */ i) => near(`cls ${i}`, cls[i], wanted, APART[device]));
    assert.equal(unknown, "argument");
    assert.equal(refused, "unsupported");
    assert.deepEqual(filled[0].candidates.map((/** @type {any} */ word) => word.sequence), sequences(mask.result));
    near("words", scores(filled[0].candidates), scores(mask.result), APART[device]);
    assert.deepEqual(labels(classified[0]), labels(single.result));
    near("classes", scores(classified[0]), scores(single.result), APART[device]);
    assert.deepEqual([found[0].label, found[0].start], [tagged.result[0].entity_group, tagged.result[0].start]);
    assert.deepEqual(answered.map(stretch), question.result.map(stretch));
    near("answers", scores(answered), scores(question.result), APART[device]);
    assert.deepEqual(tokens.map((/** @type {any} */ token) => token.place), [null, [0, 3], [4, 5], [6, 12], null]);
    assert.equal(gone, "disposed");
  });
}

test("models of both modules answer side by side", { timeout: 120_000 }, async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/page.html`);
  const found = await page.evaluate(async () => {
    const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
    const dynasty = await Dynasty.create({ device: "wasm", threads: 2 });
    const writes = await dynasty.load("/models-quantized/story-chat-q8_0.gguf");
    const reads = await dynasty.load("/tests/fixtures/tasks/embed/");
    const code = (/** @type {Promise<unknown>} */ call) => call.then(() => "fine", (/** @type {any} */ error) => error.code);
    const [{ shape }] = await reads.forward([{ name: "input_ids", shape: [1, 4], values: [1, 2, 3, 4] }]);
    const refused = await code(reads.generate("a"));
    await reads.dispose();
    const written = await writes.generate("Once upon a time", { max_tokens: 3, temperature: 0 });
    dynasty.dispose();
    return { shape, refused, text: written.text };
  });
  await page.close();
  assert.deepEqual(found.shape.slice(0, 2), [1, 4]);
  assert.notEqual(found.refused, "fine");
  assert.ok(found.text.length > 0);
});
