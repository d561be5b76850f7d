// @ts-check
/** Opens `bench.html` with the query of the first argument and prints what it measured: `shape=…&quant=…&device=…`. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { launch, serve } from "./harness.mjs";

const query = process.argv[2] || "shape=smollm2-135m&quant=q8_0&device=wasm";
const models = process.env["DYNASTY_MODELS"] ?? mkdtempSync(join(tmpdir(), "dynasty-bench-"));
const server = await serve(models);
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(`${server.url}/bench.html?${query}`);
  const result = page.locator("#result");
  await result.waitFor({ state: "visible", timeout: 1_800_000 });
  const text = (await result.textContent()) ?? "";
  console.log(text);
  if (JSON.parse(text).error) process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}
