// Opens the page bench.html with a query and prints what it measured: node bench.mjs 'shape=smollm2-135m&device=wasm'

import { launch, serveProgram } from "./browser.mjs";

const query = process.argv[2] ?? "";
const server = await serveProgram();
const browser = await launch({ webgpu: !query.includes("device=wasm") });
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error.message));
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(`${server.url}/bench.html?${query}`);
  const result = page.locator("#result");
  await result.filter({ hasText: /\S/ }).waitFor({ state: "attached", timeout: 0 });
  const text = await result.textContent();
  console.log(text);
  if ("error" in JSON.parse(text)) process.exitCode = 1;
} finally {
  await browser.close();
  await server.close();
}
