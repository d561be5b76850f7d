// @ts-check
/** A served site, a browser, and models to load: what every browser test begins with. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { root as ROOT, launch, serveProgram } from "./browser.mjs";

export { launch };

/** The built site. */
const SITE = process.env["DYNASTY_SITE"] ?? join(ROOT, "web/dist");

/** A story model and its greedy text, where the machine has them. */
const STORIES = join(ROOT, "../shared/data/tinystories-656k");

/** The prompt and the greedy text of the model `plain`. */
export const PLAIN = JSON.parse(readFileSync(join(ROOT, "tests/fixtures/models/llama_text/greedy.json"), "utf8"));

/** @returns {{ prompt: string, text: string, ids: number[], prompt_ids: number[] } | undefined} */
export function stories() {
  const file = join(STORIES, "reference.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

/**
 * A folder of models: `chat` has a chat template, `plain` has none, `stories` is there if the machine has it; `cut`,
 * `empty`, `unknown` and `deep` are damaged.
 */
export function makeModels() {
  const folder = mkdtempSync(join(tmpdir(), "dynasty-models-"));
  const fixture = join(ROOT, "tests/fixtures/models/llama_text");
  /** @param {string} name */
  const copy = (name) => {
    const to = join(folder, name);
    mkdirSync(to);
    for (const file of ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]) {
      cpSync(join(fixture, file), join(to, file));
    }
    return to;
  };
  copy("chat");
  const plain = join(copy("plain"), "tokenizer_config.json");
  const { chat_template: _, ...config } = JSON.parse(readFileSync(plain, "utf8"));
  writeFileSync(plain, JSON.stringify(config));
  truncateSync(join(copy("cut"), "model.safetensors"), 40_000);
  truncateSync(join(copy("empty"), "model.safetensors"), 0);
  writeFileSync(join(copy("unknown"), "config.json"), JSON.stringify({ architectures: ["NoSuchForCausalLM"], model_type: "no_such" }));
  writeFileSync(join(copy("deep"), "config.json"), "[".repeat(200_000));
  writeFileSync(join(folder, "noise.gguf"), "this is no GGUF file at all");
  if (stories()) cpSync(STORIES, join(folder, "stories"), { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The floats and bytes of a safetensors file. @param {string} file */
export function readTensors(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString());
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const read = (/** @type {any} */ { dtype, data_offsets: [from, to] }) => {
    const own = new Uint8Array(bytes.subarray(start + from, start + to));
    return dtype === "F32" ? new Float32Array(own.buffer) : Float32Array.from(own);
  };
  return new Map(entries.map(([name, about]) => [name, read(about)]));
}

/**
 * A folder with copies of models of `tests/fixtures`, by the names they get.
 * @param {Record<string, string>} from
 */
export function gather(from) {
  const folder = mkdtempSync(join(tmpdir(), "dynasty-models-"));
  for (const [name, fixture] of Object.entries(from)) cpSync(join(ROOT, "tests/fixtures", fixture), join(folder, name), { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Serves the site and these models with the program itself.
 * @param {string} models
 * @param {string[]} more
 */
export function serve(models, ...more) {
  return serveProgram("--models", models, "--site", SITE, ...more);
}

/** A chat page and what one does with it. */
export class ChatPage {
  /**
   * @param {import("playwright-core").Page} page
   * @param {string[]} faults
   */
  constructor(page, faults) {
    this.page = page;
    /** What the page wrote to its console as an error. */
    this.faults = faults;
  }

  /**
   * Opens the page; one that names no model is kept from the project's own one by an empty list, unless `own` is set.
   * @param {import("playwright-core").Browser} browser
   * @param {string} address
   * @param {Record<string, string>} parameters
   */
  static async open(browser, address, parameters, locale = "en-GB", own = false) {
    const page = await browser.newPage({ locale });
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    if (!own && parameters["model"] === undefined) await page.route("**/models.json", (route) => route.fulfill({ json: [] }));
    await page.goto(`${address}/chat.html?${new URLSearchParams(parameters)}`);
    return new ChatPage(page, faults);
  }

  get element() {
    return this.page.locator("dynasty-chat");
  }

  get answers() {
    return this.page.locator('[data-role="assistant"]');
  }

  /** @param {string} state */
  async state(state, timeout = 120_000) {
    await this.page.waitForSelector(`dynasty-chat[data-state="${state}"]`, { timeout });
  }

  /** @param {string} text */
  async send(text, button = "Send") {
    await this.page.getByRole("textbox").fill(text);
    await this.page.getByRole("button", { name: button, exact: true }).click();
  }

  /** Sends a text and returns the finished answer. @param {string} text */
  async ask(text) {
    const before = await this.answers.count();
    await this.send(text);
    await this.page.waitForFunction((n) => document.querySelector("dynasty-chat")?.shadowRoot?.querySelectorAll('[data-role="assistant"]').length === n, before + 1);
    await this.state("ready");
    return (await this.answers.nth(before).evaluate((node) => node.textContent)) ?? "";
  }

  /** Presses Stop as soon as the next answer has begun. */
  async stopAtFirstPiece() {
    await this.page.evaluate(() => {
      const root = document.querySelector("dynasty-chat")?.shadowRoot;
      if (!root) throw new Error("there is no chat");
      const before = root.querySelectorAll('[data-role="assistant"]').length;
      const watch = new MutationObserver(() => {
        const answers = root.querySelectorAll('[data-role="assistant"]');
        if (answers.length === before || !answers[answers.length - 1]?.textContent) return;
        const stop = [...root.querySelectorAll("button")].find((button) => button.textContent?.trim() === "Stop");
        if (stop) {
          watch.disconnect();
          stop.click();
        }
      });
      watch.observe(root, { childList: true, subtree: true, characterData: true });
    });
  }

  async runs() {
    await this.page.getByTitle("What runs here").click();
    const text = await this.page.locator("#runs").innerText();
    await this.page.getByTitle("What runs here").click();
    return text;
  }

  async close() {
    await this.page.close();
  }
}
