import { expect, test } from "vitest";

import { Channel, type Port } from "../src/engine/channel.js";
import { Dynasty } from "../src/engine/dynasty.js";
import { DynastyError, toDynastyError } from "../src/engine/errors.js";
import type { Progress } from "../src/engine/index.js";
import type { Reply } from "../src/engine/protocol.generated.js";
import { MockPort, type Script } from "./mock-port.js";

const SCRIPT: Script = { pieces: ["从", "前", ", a ", "kettle"], delayMs: 0 };

/** An engine whose workers are mocks, and the mocks. */
async function mocked(script: Script = SCRIPT): Promise<{ engine: Dynasty; ports: MockPort[] }> {
  const ports: MockPort[] = [];
  const connect = (): MockPort => {
    ports.push(new MockPort(script));
    return ports.at(-1) as MockPort;
  };
  return { engine: await Dynasty.create({ connect, modules: "https://example.org/wasm/" }), ports };
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (thrown: unknown) => (thrown instanceof DynastyError ? thrown.code : `another error: ${String(thrown)}`),
  );

test("loads with typed progress", async () => {
  const { engine, ports } = await mocked();
  const stages: Progress["stage"][] = [];
  const model = await engine.load("https://example.org/a.gguf", { onProgress: ({ stage }) => stages.push(stage) });
  expect(model.info.kernels.length).toBeGreaterThan(0);
  expect(new Set(stages)).toEqual(new Set(["start", "download", "load", "compile"]));
  expect(ports[0]?.requests[0]).toMatchObject({ kind: "load", device: "auto", source: { kind: "url", url: "https://example.org/a.gguf" } });
});

test("streams in OpenAI's shape", async () => {
  const { engine } = await mocked();
  const model = await engine.load("https://example.org/a.gguf");
  const stream = await model.chat.completions.create({
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("从前, a kettle");
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 });
});

test("answers whole in OpenAI's shape and passes parameters on", async () => {
  const { engine, ports } = await mocked();
  const model = await engine.load("https://example.org/a.gguf");
  const done = await model.chat.completions.create({ messages: [{ role: "user", content: "hi" }], temperature: 0, stop: "\n", max_tokens: 9 });
  expect(done.choices[0].message).toEqual({ role: "assistant", content: "从前, a kettle" });
  expect(ports[0]?.requests.at(-1)).toMatchObject({ kind: "chat", sampling: { temperature: 0, stop: ["\n"], max_tokens: 9 } });
});

test("an aborted call rejects and the next one works", async () => {
  const { engine, ports } = await mocked({ ...SCRIPT, delayMs: 5 });
  const model = await engine.load("https://example.org/a.gguf");
  const stop = new AbortController();
  const answer = model.generate("x", { signal: stop.signal, onPiece: () => stop.abort() });
  expect(await code(answer)).toBe("aborted");
  expect(ports[0]?.requests.at(-1)?.kind).toBe("abort");
  expect((await model.generate("x")).text).toBe("从前, a kettle");
});

test("a call that is heard to the end rejects when the worker has stopped", async () => {
  const port: Port = { postMessage: () => undefined, terminate: () => undefined, onmessage: null, onerror: null, onmessageerror: null };
  const reply = (data: Reply): void => port.onmessage?.(new MessageEvent("message", { data }));
  const stop = new AbortController();
  const heard: Progress[] = [];
  const hooks = { signal: stop.signal, heardToTheEnd: true, onProgress: (progress: Progress) => void heard.push(progress) };
  const call = new Channel(() => port).call({ kind: "train_steps", training: 1 }, hooks);
  stop.abort();
  reply({ kind: "progress", id: 1, progress: { stage: "tokens", done: 1 } });
  reply({ kind: "failed", id: 1, code: "aborted", message: "ended" });
  expect(await code(call)).toBe("aborted");
  expect(heard).toHaveLength(1);
});

test("a call with an ended signal is never sent", async () => {
  const { engine, ports } = await mocked();
  expect(await code(engine.load("https://example.org/a.gguf", { signal: AbortSignal.abort() }))).toBe("aborted");
  expect(ports).toHaveLength(0);
});

test("a reader who leaves ends the answer", async () => {
  const { engine, ports } = await mocked({ ...SCRIPT, delayMs: 5 });
  const model = await engine.load("https://example.org/a.gguf");
  for await (const chunk of await model.chat.completions.create({ messages: [], stream: true })) {
    if (chunk.choices[0]?.delta.content) break;
  }
  expect(ports[0]?.requests.at(-1)?.kind).toBe("abort");
});

test("a failed load leaves the engine usable", async () => {
  const script: { -readonly [K in keyof Script]: Script[K] } = { ...SCRIPT, fails: "damaged" };
  const { engine } = await mocked(script);
  expect(await code(engine.load("https://example.org/a.gguf"))).toBe("damaged");
  delete script.fails;
  expect((await engine.load("https://example.org/a.gguf")).info.name).not.toBe("");
});

test("a lost worker rejects what is pending, and the next load starts another", async () => {
  const { engine, ports } = await mocked({ ...SCRIPT, delayMs: 5 });
  const model = await engine.load("https://example.org/a.gguf");
  const answer = model.generate("x");
  setTimeout(() => ports[0]?.onerror?.({ message: "unreachable" } as ErrorEvent), 2);
  expect(await code(answer)).toBe("crashed");
  expect(await code(model.generate("x"))).toBe("disposed");
  const again = await engine.load("https://example.org/a.gguf");
  expect((await again.generate("x")).finish_reason).toBe("stop");
  expect(ports).toHaveLength(2);
});

test("nothing works after it was disposed of", async () => {
  const { engine } = await mocked();
  const model = await engine.load("https://example.org/a.gguf");
  await model.dispose();
  await model.dispose();
  expect(await code(model.tokenize("x"))).toBe("disposed");
  engine.dispose();
  expect(await code(engine.load("https://example.org/a.gguf"))).toBe("disposed");
});

test.each([
  ["no address", "", "argument"],
  ["no files", [], "argument"],
] as const)("%s is refused", async (_, source, expected) => {
  const { engine } = await mocked();
  expect(await code(engine.load(source as string))).toBe(expected);
});

test.each([0, -1, 1.5, 1000, Number.NaN])("%d threads are refused", async (threads) => {
  expect(await code(Dynasty.create({ threads }))).toBe("argument");
});

test("a worker that cannot start rejects", async () => {
  const channel = new Channel(() => {
    throw new Error("no workers here");
  });
  expect(await code(channel.call({ kind: "dispose", model: 1 }))).toBe("internal");
});

test("any thrown value becomes a DynastyError", () => {
  expect(toDynastyError(new DOMException("x", "AbortError")).code).toBe("aborted");
  expect(toDynastyError(new WebAssembly.RuntimeError("unreachable")).code).toBe("crashed");
  expect(toDynastyError("text")).toMatchObject({ code: "internal", message: "text" });
});
