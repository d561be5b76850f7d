// @ts-check
/** A GPU that goes away is said in the page, and the engine can be made again. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ChatPage, launch, makeModels, serve } from "./harness.mjs";

/** Keeps the devices of a worker, so that a test can take one away. */
const KEEP_DEVICES = `
if (self.GPUAdapter) {
  const original = GPUAdapter.prototype.requestDevice;
  self.devices = [];
  GPUAdapter.prototype.requestDevice = async function requestDevice(...wanted) {
    const device = await original.apply(this, wanted);
    self.devices.push(device);
    return device;
  };
}
`;

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

/** A chat whose engine keeps its devices. */
async function open() {
  const page = await browser.newPage({ locale: "en-GB" });
  await page.route(/\/worker[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: KEEP_DEVICES + (await response.text()) });
  });
  await page.goto(`${server.url}/chat.html?${new URLSearchParams({ model: "chat", device: "webgpu", temperature: "0", max_tokens: "8" })}`);
  const chat = new ChatPage(page, []);
  await chat.state("ready");
  return chat;
}

/** Takes away the device that the engine asked for last. @param {ChatPage} chat */
async function destroyDevice({ page }) {
  for (const worker of page.workers()) {
    const destroyed = await worker.evaluate(() => {
      const device = /** @type {any} */ (self).devices?.at(-1);
      device?.destroy();
      return device !== undefined;
    });
    if (destroyed) return;
  }
  assert.fail("no worker has a device");
}

test("a device that is lost between two answers", { timeout: 300_000 }, async () => {
  const chat = await open();
  const first = await chat.ask("hello");
  assert.notEqual(first, "");
  await destroyDevice(chat);
  await chat.send("hello again");
  await chat.state("error");
  const alert = chat.page.getByRole("alert");
  assert.equal(await alert.getAttribute("data-code"), "device_lost");
  const message = await alert.locator("code").innerText();
  assert.match(message, /device is lost/i);
  assert.ok(!message.includes("\n"), message);
  await alert.getByRole("button", { name: /again/i }).click();
  await chat.state("ready");
  await chat.page.getByRole("button", { name: "New chat" }).click();
  assert.equal(await chat.ask("hello"), first, "the engine was made again");
  await chat.close();
});

test("a device that is lost while an answer is written", { timeout: 300_000 }, async () => {
  const chat = await open();
  const first = await chat.ask("hello");
  await chat.page.getByRole("button", { name: "New chat" }).click();
  await chat.send("hello");
  await destroyDevice(chat);
  // The answer may have been finished before the device went: then the next one meets the loss.
  await chat.page.waitForSelector('dynasty-chat:is([data-state="error"], [data-state="ready"])');
  if ((await chat.element.getAttribute("data-state")) === "ready") await chat.send("hello");
  await chat.state("error");
  assert.equal(await chat.page.getByRole("alert").getAttribute("data-code"), "device_lost");
  await chat.page.getByRole("alert").getByRole("button", { name: /again/i }).click();
  await chat.state("ready");
  await chat.page.getByRole("button", { name: "New chat" }).click();
  assert.equal(await chat.ask("hello"), first);
  await chat.close();
});
