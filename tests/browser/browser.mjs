// What all browser tests share: a Chromium, a file server, and the program's own server. Only on loopback.

import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize, resolve } from "node:path";
import { createInterface } from "node:readline";

/** The root of the project. */
export const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");

const { chromium } = createRequire(join(root, "web/package.json"))("playwright-core");

const QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"];
const WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];

/** Starts a headless Chromium, with a software WebGPU adapter unless `webgpu` is false, and with further arguments. */
export function launch({ webgpu = true, args = [] } = {}) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const gpu = webgpu ? WEBGPU : ["--disable-gpu", "--disable-features=WebGPU"];
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...QUIET, ...sandbox, ...gpu, ...args] });
}

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Serves a folder, and texts by path, on a free port. */
export async function serveFolder(folder, { isolated = true, texts = {} } = {}) {
  const headers = isolated ? ISOLATION : {};
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    if (path in texts) return response.writeHead(200, { ...headers, "Content-Type": type }).end(texts[path]);
    const file = join(folder, normalize(path));
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) return response.writeHead(404, headers).end();
    response.writeHead(200, { ...headers, "Content-Type": type, "Content-Length": found.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const close = () => new Promise((done) => (server.closeAllConnections(), server.close(done)));
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Starts `dynasty serve` on a free port with these further arguments, and waits until it says where it listens. */
export async function serveProgram(...args) {
  const program = process.env.DYNASTY ?? join(root, "target/ci/dynasty");
  const child = spawn(program, ["serve", "--port", "0", ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => child.once("close", done));
  let errors = "";
  child.stderr.on("data", (bytes) => (errors += bytes));
  const url = await new Promise((found, fail) => {
    child.once("error", fail);
    ended.then((code) => fail(new Error(`dynasty serve ended with ${code}: ${errors}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const address = /http:\/\/[^\s/]+/.exec(line);
      if (address) found(address[0]);
    });
  });
  return { url, close: () => (child.kill(), ended) };
}
