// @ts-check
/**
 * Trains the same small GPT natively and in a page, and prints the median of each one's tokens a second:
 * `node tests/browser/train-bench.mjs [threads] [LxDxH:context:batch] [wasm|webgpu]`. The texts are random words.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { launch, root, serveFolder } from "./browser.mjs";

const [threads = "2", sizes = "4x256x4:256:16", device = "wasm"] = process.argv.slice(2);
const [layers, width, heads, context, batch] = sizes.split(/[x:]/).map(Number);
const STEPS = 7;

const RECIPE = `
name = "bench"
output = "out"
validation = 0.01
[model]
architectures = ["GPT2LMHeadModel"]
model_type = "gpt2"
n_layer = ${layers}
n_embd = ${width}
n_head = ${heads}
n_positions = ${context}
tie_word_embeddings = false
[tokenizer]
vocab_size = 4096
[[data]]
name = "words"
files = ["words.txt"]
layout = "text"
separator = "."
licence = "our own"
[train]
steps = ${STEPS}
batch = ${batch}
context = ${context}
[evaluation]
every = 0
`;

/** Random words of syllables, some often and most seldom (Knuth's linear congruences). */
function words() {
  let state = 1;
  const below = (/** @type {number} */ n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const syllable = () => (("bdfgklmnprstvz"[below(14)] ?? "") + "aeiou"[below(5)]) + (["", "", "n", "r", "s"][below(5)] ?? "");
  const all = Array.from({ length: 6000 }, () => Array.from({ length: 1 + below(4) }, syllable).join(""));
  const draw = () => all[below(below(all.length) + 1)] ?? "";
  return Array.from({ length: 8000 }, () => Array.from({ length: 15 }, draw).join(" ")).join(".\n");
}

/** @param {any[]} records */
function median(records) {
  const speeds = records.filter(({ kind }) => kind === "step").map(({ tokens_per_s }) => tokens_per_s).slice(1);
  return speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)];
}

const folder = mkdtempSync(join(tmpdir(), "dynasty-train-bench-"));
const texts = words();
writeFileSync(join(folder, "recipe.toml"), RECIPE);
writeFileSync(join(folder, "words.txt"), texts);

function native() {
  const program = process.env["DYNASTY"] ?? join(root, "target/ci/dynasty");
  rmSync(join(folder, "out"), { recursive: true, force: true });
  execFileSync(program, ["train", "--recipe", join(folder, "recipe.toml"), "--device", "cpu", "--threads", threads], { stdio: "pipe" });
  return readFileSync(join(folder, "out/metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
}

async function inPage() {
  const server = await serveFolder(root, { texts: { "/page.html": "<!doctype html>" } });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/page.html`);
    return await page.evaluate(
      async ({ recipe, texts, device, threads }) => {
        const { Dynasty } = await import(/** @type {any} */ ("/pkg/dist/engine.js"));
        const dynasty = await Dynasty.create({ device, threads });
        const training = await dynasty.train(recipe, [new File([texts], "words.txt")]);
        /** @type {any[]} */
        const records = [training.info];
        await training.run({ onRecord: (/** @type {any} */ record) => records.push(record) });
        dynasty.dispose();
        return records;
      },
      { recipe: RECIPE, texts, device, threads: Number(threads) },
    );
  } finally {
    await browser.close();
    await server.close();
  }
}

const [own, page] = [native(), await inPage()];
rmSync(folder, { recursive: true });
const figures = { native: median(own), page: median(page), ratio: median(page) / median(own), flavour: page[0].flavour, threads: page[0].threads };
const last = (/** @type {any[]} */ records) => records.filter(({ kind }) => kind === "step").at(-1).loss;
console.log(JSON.stringify({ ...figures, loss: { native: last(own), page: last(page) } }));
