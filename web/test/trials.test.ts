import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Dynasty } from "../src/engine/dynasty.js";
import { MockPort } from "./mock-port.js";

const TRIAL = { key: "a GPU; cpu, 2 threads; llama 0123456789abcdef", gpu: true, reason: "one block takes 1 ms here and 2 ms there" };

/** A browser's storage. */
class Storage {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
}

let storage: Storage;
beforeEach(() => vi.stubGlobal("localStorage", (storage = new Storage())));
afterEach(() => vi.unstubAllGlobals());

/** One visit of a page: the trials that its engine was told of. */
async function visit(trial?: typeof TRIAL): Promise<unknown> {
  const port = new MockPort({ pieces: [], delayMs: 0, ...(trial ? { trial } : {}) });
  const engine = await Dynasty.create({ connect: () => port, modules: "https://example.org/wasm/" });
  await engine.load("https://example.org/a.gguf");
  engine.dispose();
  const [request] = port.requests;
  return request?.kind === "load" ? request.known : undefined;
}

test("what a trial found is told to the engine on the next visit", async () => {
  expect(await visit(TRIAL)).toEqual([]);
  expect(await visit()).toEqual([TRIAL]);
  expect(await visit({ ...TRIAL, gpu: false })).toEqual([TRIAL]);
  expect(await visit()).toEqual([{ ...TRIAL, gpu: false }]);
});

test("what was kept and is no trial is left out", async () => {
  await visit(TRIAL);
  const [name = ""] = storage.items.keys();
  storage.items.set(name, JSON.stringify([1, null, { key: 3 }, TRIAL]));
  expect(await visit()).toEqual([TRIAL]);
  storage.items.set(name, "no JSON");
  expect(await visit()).toEqual([]);
});

test("a browser that keeps nothing does no harm", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => {
      throw new Error("forbidden");
    },
    setItem: () => {
      throw new Error("forbidden");
    },
  });
  expect(await visit(TRIAL)).toEqual([]);
});
