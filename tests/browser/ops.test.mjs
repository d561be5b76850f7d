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
  if (suite === undefined) return module.suites();
  const response = await fetch("/ops-expected/" + suite);
  if (!response.ok) throw new Error("what the reference says is missing: cargo test --profile ci --package dynasty-ops");
  return module.play(suite, await response.bytes(), threads, webgpu);
}`;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** Which processors and GPUs each module is played on. WebGPU is reached by the same code from each of them. */
const RUNS = [
  { flavour: "simd128", threads: 1, webgpu: false },
  { flavour: "relaxed", threads: 1, webgpu: true },
  { flavour: "threads", threads: 3, webgpu: false },
];

for (const { flavour, threads, webgpu } of RUNS) {
  test(`operations of ${flavour}, ${threads} threads${webgpu ? " and WebGPU" : ""}`, { timeout: 900_000 }, async (t) => {
    const server = await serveFolder(TARGET, { isolated: flavour === "threads", texts: texts(ANSWER) });
    const page = await browser.newPage();
    try {
      const ask = await startWorker(page, server.url);
      const suites = await ask({ folder: `/ops/${flavour}`, threads });
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
