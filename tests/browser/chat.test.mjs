// @ts-check
/** A chat from end to end, on each device, with and without cross-origin isolation. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ChatPage, PLAIN, launch, makeModels, serve, stories } from "./harness.mjs";

const models = makeModels();
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
  models.remove();
});

for (const isolation of [true, false]) {
  describe(isolation ? "isolated" : "not isolated", () => {
    /** @type {{ url: string, close(): Promise<unknown> }} */
    let server;
    before(async () => {
      server = await serve(models.folder, ...(isolation ? [] : ["--no-isolation"]));
    });
    after(() => server?.close());

    for (const device of ["wasm", "webgpu"]) {
      test(`${device}: load, ask, stop, ask again`, { timeout: 300_000 }, async () => {
        const chat = await ChatPage.open(browser, server.url, { model: "chat", device, temperature: "0", max_tokens: "24" });
        await chat.state("ready");
        assert.equal(await chat.page.getByRole("textbox").count(), 1);
        const first = await chat.ask("hello");
        assert.notEqual(first, "");
        await chat.page.getByRole("button", { name: "New chat" }).click();
        assert.equal(await chat.ask("hello"), first, "greedy answers repeat");
        await chat.page.getByRole("button", { name: "New chat" }).click();
        await chat.stopAtFirstPiece();
        await chat.send("hello");
        await chat.state("ready");
        const stopped = (await chat.answers.last().evaluate((node) => node.textContent)) ?? "";
        assert.ok(first.startsWith(stopped) && stopped.length < first.length, `${JSON.stringify(stopped)} of ${JSON.stringify(first)}`);
        await chat.page.getByRole("button", { name: "New chat" }).click();
        assert.equal(await chat.ask("hello"), first, "usable after a stop");
        const runs = await chat.runs();
        assert.match(runs, isolation || device === "webgpu" ? /SIMD/ : /not cross-origin isolated/);
        assert.deepEqual(chat.faults, []);
        await chat.close();
      });

      test(`${device}: a model without a template continues exactly the text`, { timeout: 300_000 }, async () => {
        const chat = await ChatPage.open(browser, server.url, { model: "plain", device, temperature: "0", max_tokens: String(PLAIN.token_ids.length) });
        await chat.state("ready");
        await chat.page.locator('[data-mode="completion"]').waitFor();
        assert.equal(await chat.ask(PLAIN.prompt), PLAIN.text);
        await chat.close();
      });
    }
  });
}

test("Chinese: the buttons have Chinese names", { timeout: 120_000 }, async () => {
  const server = await serve(models.folder);
  const chat = await ChatPage.open(browser, server.url, { model: "chat", device: "wasm", max_tokens: "4" }, "zh-CN");
  await chat.state("ready");
  await chat.send("你好", "发送");
  await chat.page.locator('[data-role="assistant"]').waitFor();
  await chat.state("ready");
  await chat.close();
  await server.close();
});

const story = stories();
for (const device of ["wasm", "webgpu"]) {
  test(`${device}: a real model writes its story`, { timeout: 300_000, skip: story ? false : "the story model is not on this machine" }, async () => {
    if (!story) return;
    const { prompt, text, ids, prompt_ids } = story;
    const server = await serve(models.folder);
    const max_tokens = String(ids.length - prompt_ids.length);
    const chat = await ChatPage.open(browser, server.url, { model: "stories", device, temperature: "0", max_tokens });
    await chat.state("ready");
    assert.equal(await chat.ask(prompt), text.slice(text.indexOf(prompt) + prompt.length));
    await chat.close();
    await server.close();
  });
}
