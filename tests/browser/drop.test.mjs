// @ts-check
/** Files and folders that are dropped on the page. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { join } from "node:path";

import { root } from "./browser.mjs";
import { ChatPage, PLAIN, launch, makeModels, serve } from "./harness.mjs";

const models = makeModels();
/** One file with everything inside. */
const FILE = join(models.folder, "whole.gguf");
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;

before(async () => {
  const program = process.env["DYNASTY"] ?? join(root, "target/ci/dynasty");
  execFileSync(program, ["quantize", join(models.folder, "plain"), "--type", "f16", "--out", FILE]);
  browser = await launch();
  server = await serve(models.folder);
});

after(async () => {
  await browser?.close();
  await server?.close();
  models.remove();
});

/** Drags a path from the desktop over the page and lets go, as a browser sees it. @param {ChatPage} chat @param {string} path */
async function drop({ page }, path) {
  const client = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  const at = { x: 300, y: 300, data };
  await client.send("Input.dispatchDragEvent", { type: "dragEnter", ...at });
  await client.send("Input.dispatchDragEvent", { type: "dragOver", ...at });
  await client.send("Input.dispatchDragEvent", { type: "drop", ...at });
}

/** @type {[string, string][]} */
const DROPPED = [
  ["a GGUF file", FILE],
  ["a folder", join(models.folder, "plain")],
];

for (const [what, path] of DROPPED) {
  test(`${what} is dropped, loaded and answers`, { timeout: 120_000 }, async () => {
    const max_tokens = String(PLAIN.token_ids.length);
    const chat = await ChatPage.open(browser, server.url, { device: "wasm", temperature: "0", max_tokens });
    await chat.state("idle");
    await drop(chat, path);
    await chat.state("ready");
    assert.equal(await chat.ask(PLAIN.prompt), PLAIN.text);
    assert.deepEqual(chat.faults, []);
    await chat.close();
  });
}

test("what is no model is refused, and a model is taken after it", { timeout: 120_000 }, async () => {
  const chat = await ChatPage.open(browser, server.url, { device: "wasm", max_tokens: "4" });
  await chat.state("idle");
  await drop(chat, join(models.folder, "noise.gguf"));
  await chat.state("error");
  const alert = chat.page.getByRole("alert");
  assert.equal(await alert.getAttribute("data-code"), "damaged");
  assert.match(await alert.innerText(), /noise\.gguf/);
  await drop(chat, FILE);
  await chat.state("ready");
  assert.notEqual(await chat.ask(PLAIN.prompt), "");
  await chat.close();
});
