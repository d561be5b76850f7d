// @ts-check
/** What is wrong is said in the page, and the engine works afterwards. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ChatPage, launch, makeModels, serve } from "./harness.mjs";

const models = makeModels();
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, close(): Promise<unknown> }} */
let server;

before(async () => {
  browser = await launch();
  server = await serve(models.folder);
});

after(async () => {
  await browser?.close();
  await server?.close();
  models.remove();
});

/** A model, and the codes that fit what is wrong with it. @type {[string, string[]][]} */
const WRONG = [
  ["/models/cut/", ["damaged"]],
  ["/models/empty/", ["damaged"]],
  ["/models/deep/", ["damaged"]],
  ["/models/unknown/", ["unsupported"]],
  ["/models/noise.gguf", ["damaged", "unsupported"]],
  ["/models/none.gguf", ["not_found"]],
  ["/models/none/", ["not_found"]],
  ["http://127.0.0.1:9/model.gguf", ["network"]],
  ["ftp://example.org/model.gguf", ["argument"]],
];

for (const [address, codes] of WRONG) {
  test(`${address} → ${codes.join(" or ")}`, { timeout: 120_000 }, async () => {
    const chat = await ChatPage.open(browser, server.url, { model: address, device: "wasm", threads: "1", max_tokens: "4" });
    await chat.state("error");
    const alert = chat.page.getByRole("alert");
    assert.ok(codes.includes((await alert.getAttribute("data-code")) ?? ""), (await alert.innerText()) + (await alert.getAttribute("data-code")));
    const message = await alert.locator("code").innerText();
    assert.ok(message.length > 10 && !message.includes("\n"), message);
    await chat.page.getByRole("button", { name: /^chat / }).click();
    await chat.state("ready");
    assert.notEqual(await chat.ask("hello"), "");
    assert.deepEqual(chat.faults, []);
    await chat.close();
  });
}

test("a prompt that does not fit is refused, a shorter one is answered", { timeout: 120_000 }, async () => {
  const chat = await ChatPage.open(browser, server.url, { model: "chat", device: "wasm", threads: "1", max_tokens: "4" });
  await chat.state("ready");
  await chat.send("a river once upon a time ".repeat(40));
  await chat.state("error");
  assert.equal(await chat.page.getByRole("alert").getAttribute("data-code"), "prompt");
  assert.notEqual(await chat.ask("hello"), "");
  await chat.close();
});
