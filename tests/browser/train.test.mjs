// @ts-check
/** A small model learns in a page, on wasm and on WebGPU, as it does natively; the page chats with what came of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, root, serveFolder } from "./browser.mjs";

const RECIPE = `
name = "small"
output = "out"
seed = 11
validation = 0.1
[model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 4
num_key_value_heads = 2
tie_word_embeddings = true
[tokenizer]
vocab_size = 320
[[data]]
name = "sentences"
files = ["texts.jsonl"]
layout = "jsonl"
licence = "our own"
[train]
steps = 24
batch = 8
context = 16
[optimizer]
learning_rate = 0.02
[schedule]
warmup = 4
[evaluation]
every = 24
batches = 2
`;

/** The held-out loss begins at ln 320 = 5.77. */
const ENDS_BELOW = 3;
/** The largest relative difference of a loss from the native processor's: sums are taken in another order. */
const APART = { wasm: 1e-3, webgpu: 1e-2 };

const who = ["cat", "dog", "bird", "fish", "fox"];
const what = ["milk", "bones", "seeds", "worms", "berries"];
const TEXTS = Array.from({ length: 400 }, (_, i) => {
  const k = (i * i) % 5;
  return JSON.stringify({ text: `Number ${i}: the ${who[k]} eats ${what[k]}. It eats ${what[k]} every day.` });
}).join("\n");

const folder = mkdtempSync(join(tmpdir(), "dynasty-train-"));
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;
/** The native curve. @type {number[]} */
let native;

/** The losses among records: of steps, and of held-out texts. @param {any[]} records */
const losses = (records) => records.filter(({ kind }) => kind === "step" || kind === "validation").map(({ loss }) => loss);

before(async () => {
  writeFileSync(join(folder, "recipe.toml"), RECIPE);
  writeFileSync(join(folder, "texts.jsonl"), TEXTS);
  const program = process.env["DYNASTY"] ?? join(root, "target/ci/dynasty");
  execFileSync(program, ["train", "--recipe", join(folder, "recipe.toml"), "--device", "cpu", "--threads", "1"], { stdio: "pipe" });
  native = losses(readFileSync(join(folder, "out/metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)));
  browser = await launch();
  const page = "<!doctype html><link rel=icon href=data:,>";
  server = await serveFolder(root, { texts: { "/page.html": page } });
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A page that has the npm package. */
async function open() {
  const page = await browser.newPage();
  await page.goto(`${server.url}/page.html`);
  return page;
}

/**
 * Trains in a page: four steps, an end in the middle of a call, then the rest; loads the model and lets it write.
 * @param {string} device
 */
async function train(device) {
  const page = await open();
  try {
    return await page.evaluate(
      async ({ recipe, texts, device }) => {
        const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
        const dynasty = await Dynasty.create({ device, threads: 2 });
        const training = await dynasty.train(recipe, [new File([texts], "texts.jsonl")]);
        /** @type {any[]} */
        const records = [];
        const onRecord = (/** @type {any} */ record) => records.push(record);
        const first = await training.run({ steps: 4, onRecord });
        const stop = new AbortController();
        const going = training.run({ signal: stop.signal, onRecord }).catch((/** @type {any} */ error) => error.code);
        // Behind the call in the worker's queue, so it is found after the first step, however busy the page is.
        stop.abort();
        const ended = await going;
        const finished = await training.run({ onRecord });
        const files = await training.files();
        const [gguf] = await training.files("q8_0");
        await training.dispose();
        const load = async (/** @type {any} */ files) => {
          const model = await dynasty.load(files.map((/** @type {any} */ { name, bytes }) => new File([bytes], name)));
          const { text } = await model.generate("Number 5: the", { temperature: 0, max_tokens: 12 });
          return text;
        };
        const written = [await load(files), await load([gguf])];
        const { info } = training;
        dynasty.dispose();
        return { info, records, first, ended, finished, names: files.map((/** @type {any} */ file) => file.name), written };
      },
      { recipe: RECIPE, texts: TEXTS, device },
    );
  } finally {
    await page.close();
  }
}

for (const device of /** @type {const} */ (["wasm", "webgpu"])) {
  test(`${device} learns what the native processor learns`, { timeout: 240_000 }, async () => {
    const { info, records, first, ended, finished, names, written } = await train(device);
    assert.match(info.device, device === "wasm" ? /^cpu, 2 threads/ : /^wgpu/);
    assert.deepEqual([first, ended, finished], [false, "aborted", true]);
    const found = new Map(records.filter(({ kind }) => kind === "step").map(({ step, loss }) => [step, loss]));
    assert.deepEqual([...found.keys()], Array.from({ length: 24 }, (_, index) => index + 1));
    for (const [step, loss] of found) {
      const wanted = native[step - 1];
      assert.ok(Math.abs(loss - wanted) <= APART[device] * wanted, `step ${step}: ${loss}, natively ${wanted}`);
    }
    const held = losses(records).at(-1);
    assert.ok(held < ENDS_BELOW, `the held-out loss is ${held}`);
    assert.ok(Math.abs(held - /** @type {number} */ (native.at(-1))) <= APART[device] * held);
    assert.ok(names.includes("model.safetensors") && names.includes("tokenizer.json") && names.includes("config.json"));
    for (const text of written) assert.match(text, /eats/);
    const speeds = records.filter(({ kind }) => kind === "step").map(({ tokens_per_s }) => tokens_per_s);
    assert.ok(speeds.every((speed) => speed > 0));
  });
}

test("what cannot be trained says why", { timeout: 60_000 }, async () => {
  const page = await open();
  const codes = await page.evaluate(
    async ({ recipe, texts }) => {
      const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
      const dynasty = await Dynasty.create({ device: "wasm", threads: 2 });
      const code = (/** @type {string} */ recipe, /** @type {File} */ file) =>
        dynasty.train(recipe, [file]).then(() => "none", (/** @type {any} */ error) => `${error.code}: ${error.message}`);
      const file = new File([texts], "texts.jsonl");
      return [
        await code(recipe.replace("batch = 8", "batch = 0"), file),
        await code(recipe, new File([texts], "other.jsonl")),
        await code(recipe, new File(["{"], "texts.jsonl")),
        await code(recipe.replace("learning_rate = 0.02", "learning_rate = 0.02\nwrong = 1"), file),
      ];
    },
    { recipe: RECIPE, texts: TEXTS },
  );
  await page.close();
  for (const [at, wanted] of [/^argument: .*train\.batch/, /texts\.jsonl.*not there/, /^damaged: .*texts\.jsonl/, /^argument: .*optimizer\.wrong/].entries()) {
    assert.match(codes[at] ?? "", wanted);
  }
});
