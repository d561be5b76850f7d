// The suite of operations in a page: on every wasm build, and on WebGPU with both kinds of kernels. The native suite has
// left what the reference says.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { launch, root, serveFolder } from "./browser.mjs";
import { startWorker, texts } from "./worker.mjs";

/** The modules, and in `ops-expected` what the reference says. */
const TARGET = process.env.DYNASTY_TARGET ?? join(root, "target/ci");

/** Failures that are printed of each suite. */
const SHOWN = 20;

/** Starts a module and names its suites, then plays the one that is asked for. */
const ANSWER = `let module;
async function answer({ folder, threads, suite, webgpu }) {
  module ??= (await start({ folder, threads })).glue;
  if (suite === undefined) return { suites: module.suites(), instructions: module.instructions() };
  const response = await fetch("/ops-expected/" + suite);
  if (!response.ok) throw new Error("what the reference says is missing: cargo test --profile ci --package dynasty-ops");
  return module.play(suite, await response.bytes(), threads, webgpu);
}`;

let browser;
let plain;
before(async () => {
  browser = await launch();
  plain = await launch({ webgpu: false, args: ["--js-flags=--no-enable-avx-vnni --no-enable-avx-vnni-int8"] });
});
after(() => Promise.all([browser?.close(), plain?.close()]));

/**
 * Which processors and GPUs each module is played on. WebGPU is reached by the same code from each of them. A `plain`
 * processor, if it is of the x86 kind, has no instruction for four products of bytes.
 */
const RUNS = [
  { flavour: "simd128", threads: 1, instructions: /^simd128$/ },
  { flavour: "relaxed", threads: 1, webgpu: true, instructions: /^relaxed-/ },
  { flavour: "relaxed", threads: 1, plain: true, instructions: process.arch === "x64" ? /^relaxed-simd128$/ : /^relaxed-/ },
  { flavour: "threads", threads: 3, instructions: /^relaxed-/ },
];

for (const { flavour, threads, webgpu = false, plain: simple = false, instructions } of RUNS) {
  const where = `${flavour}${simple ? ", plain processor" : ""}, ${threads} threads${webgpu ? " and WebGPU" : ""}`;
  test(`operations of ${where}`, { timeout: 900_000 }, async (t) => {
    const server = await serveFolder(TARGET, { isolated: flavour === "threads", texts: texts(ANSWER) });
    const page = await (simple ? plain : browser).newPage();
    try {
      const ask = await startWorker(page, server.url);
      const { suites, instructions: found } = await ask({ folder: `/ops/${flavour}`, threads });
      t.diagnostic(`instructions: ${found}`);
      assert.match(found, instructions);
      assert.ok(suites.length > 30, `${suites.length} suites`);
      for (const suite of suites) {
        await t.test(suite, async () => {
          const failures = await ask({ threads, suite, webgpu });
          assert.ok(failures.length === 0, `${failures.length} failures:\n${failures.slice(0, SHOWN).join("\n")}`);
        });
      }
    } finally {
      await page.close();
      await server.close();
    }
  });
}
