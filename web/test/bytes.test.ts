import { expect, test } from "vitest";

import { openFiles } from "../src/engine/bytes.js";
import { DynastyError } from "../src/engine/errors.js";
import { HttpBytes, openUrl } from "../src/engine/http.js";

const DATA = Uint8Array.from({ length: 23_000_000 }, (_, i) => (i * 7) % 251);

/** Compares quickly: these are megabytes. */
const same = (a: readonly Uint8Array[] | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(Buffer.concat(a), b) === 0;

interface Served {
  readonly ranges: boolean;
  readonly requests: string[];
  fails?: number;
  refuses?: boolean;
}

/** A server with one file, `DATA`, under every address that does not say `missing`. */
function network(served: Served) {
  const get: typeof fetch = async (input, init) => {
    const range = new Headers(init?.headers).get("Range") ?? "";
    served.requests.push(`${String(input)} ${range}`);
    if (served.fails && served.fails-- > 0) throw new TypeError("connection reset");
    if (served.refuses) return new Response(null, { status: 503 });
    if (String(input).includes("missing")) return new Response(null, { status: 404 });
    if (!served.ranges) return new Response(DATA, { headers: { "Content-Length": String(DATA.length) } });
    const [start = 0, end = 0] = (/(\d+)-(\d+)/.exec(range) ?? []).slice(1).map(Number);
    const part = DATA.slice(start, Math.min(end + 1, DATA.length));
    return new Response(part, { status: 206, headers: { "Content-Range": `bytes ${start}-${end}/${DATA.length}` } });
  };
  return { fetch: get, onBytes: () => undefined, signal: new AbortController().signal };
}

test.each([true, false])("reads what is there, ranges %s", async (ranges) => {
  const served: Served = { ranges, requests: [] };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", network(served));
  expect(file?.size).toBe(DATA.length);
  for (const [start, end] of [[0, 8], [1_000_000, 1_100_000], [5, 22_999_999], [22_999_990, 23_000_000], [7, 7]] as const) {
    expect(same(await file?.read(start, end), DATA.slice(start, end))).toBe(true);
  }
  if (!ranges) expect(served.requests).toHaveLength(1);
});

test("small reads share a request", async () => {
  const served: Served = { ranges: true, requests: [] };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", network(served));
  for (let i = 0; i < 100; i += 1) await file?.read(i * 8, i * 8 + 8);
  expect(new Set(served.requests).size).toBe(served.requests.length);
  expect(served.requests.length).toBeLessThanOrEqual(3);
});

test("reads that go forward fetch every byte once, and the next bytes before they are asked for", async () => {
  const served: Served = { ranges: true, requests: [] };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", network(served));
  await file?.read(0, 10);
  expect(served.requests).toHaveLength(2);
  for (let at = 0; at < DATA.length; at += 700_000) {
    const end = Math.min(DATA.length, at + 700_000);
    expect(same(await file?.read(at, end), DATA.slice(at, end))).toBe(true);
  }
  expect(served.requests).toHaveLength(3);
});

test.each([
  ["longer than told", 10],
  ["shorter than told", 3_500_000],
  ["as a stream", undefined],
] as const)("a whole file %s is read", async (_, told) => {
  const whole = DATA.slice(0, 3_000_000);
  const headers = { "Content-Length": String(told ?? 3_000_000) };
  const stream = told === undefined ? new Blob([whole]).stream() : whole;
  const served = { ...network({ ranges: false, requests: [] }), fetch: async () => new Response(stream, { headers }) };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", served);
  expect(file?.size).toBe(whole.length);
  expect(same(await file?.read(0, whole.length), whole)).toBe(true);
});

test("a block that failed ahead of its reader is asked for anew", async () => {
  const served: Served = { ranges: true, requests: [] };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", network(served));
  served.refuses = true;
  expect(same(await file?.read(0, 10), DATA.slice(0, 10))).toBe(true);
  await new Promise((resolve) => setTimeout(resolve));
  served.refuses = false;
  expect(same(await file?.read(5_000_000, 5_000_010), DATA.slice(5_000_000, 5_000_010))).toBe(true);
});

test("a broken connection is tried again", async () => {
  const served: Served = { ranges: true, requests: [] };
  const file = await HttpBytes.open("https://example.org/a.gguf", "a.gguf", network(served));
  served.fails = 2;
  expect(same(await file?.read(900_000, 8_700_000), DATA.slice(900_000, 8_700_000))).toBe(true);
});

test("a missing file of a folder is nothing, a missing model is an error", async () => {
  const served: Served = { ranges: true, requests: [] };
  const opened = await openUrl("https://example.org/model", network(served));
  expect(opened.kind).toBe("folder");
  if (opened.kind === "folder") expect(await opened.folder.open("missing.json")).toBeUndefined();
  await expect(openUrl("https://example.org/missing.gguf", network(served))).rejects.toMatchObject({ code: "not_found" });
});

test.each([
  ["https://example.org/m/a.gguf", "file", "https://example.org/m/a.gguf"],
  ["https://example.org/m/stories.bin?x=1", "file", "https://example.org/m/stories.bin?x=1"],
  ["https://example.org/m", "folder", "https://example.org/m/config.json"],
  ["https://example.org/m/?key=1", "folder", "https://example.org/m/config.json?key=1"],
  ["https://example.org/m/model.safetensors", "folder", "https://example.org/m/config.json"],
] as const)("%s is a %s", async (address, kind, first) => {
  const served: Served = { ranges: true, requests: [] };
  const opened = await openUrl(address, network(served));
  if (opened.kind === "folder") await opened.folder.open("config.json");
  expect([opened.kind, served.requests[0]?.split(" ")[0]]).toEqual([kind, first]);
});

test.each(["ftp://example.org/a.gguf", "javascript:alert(1)", "no address"])("%s is refused", async (address) => {
  await expect(openUrl(address, network({ ranges: true, requests: [] }))).rejects.toBeInstanceOf(DynastyError);
});

const dropped = (...paths: string[]) => paths.map((path) => ({ path, file: new File([path], path.split("/").at(-1) ?? "") }));

test.each([
  [["a.gguf"], "file", "a.gguf"],
  [["m/config.json", "m/model.safetensors"], "folder", "m"],
  [["config.json", "model.safetensors"], "folder", "model"],
  [["m/inner/config.json", "m/readme.md"], "folder", "inner"],
  [["m/a.gguf", "m/readme.md"], "file", "a.gguf"],
] as const)("%s are a %s", async (paths, kind, name) => {
  const opened = openFiles(dropped(...paths), () => undefined);
  expect([opened.kind, opened.kind === "file" ? opened.file.name : opened.folder.name]).toEqual([kind, name]);
  if (opened.kind === "folder") expect((await opened.folder.open("config.json"))?.size).toBeGreaterThan(0);
});
