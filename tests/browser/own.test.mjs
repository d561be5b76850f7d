// @ts-check
/** The project's own model: the chat opens with it, nothing asked and nothing beside the clone. */
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
    const name = MANIFEST.find((model) => model.default)?.name ?? "there is no default";
    assert.ok((await chat.page.getByTitle("Change model").innerText()).includes(name));
    const answer = await chat.ask("Hello!");
    assert.match(answer, /[A-Za-z]/);
    assert.deepEqual(chat.faults, []);
    await chat.close();
  });
}
