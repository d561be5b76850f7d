import { expect, test, vi } from "vitest";

import { Conversation } from "../src/elements/conversation.js";
import { fetchModels } from "../src/elements/models.js";
import { MockPort, type Script } from "./mock-port.js";

const SCRIPT: Script = { pieces: ["one ", "two ", "three"], delayMs: 2 };

function chatting(script: Script = SCRIPT) {
  const states: string[] = [];
  const ports: MockPort[] = [];
  const chat: Conversation = new Conversation(() => {
    if (states.at(-1) !== chat.state) states.push(chat.state);
  });
  const connect = (): MockPort => {
    const port = new MockPort(script);
    ports.push(port);
    return port;
  };
  const load = () => chat.load({ name: "m", source: "https://example.org/m.gguf" }, { connect, modules: "https://example.org/" });
  return { chat, states, ports, load };
}

test("loads, answers, keeps the conversation", async () => {
  const { chat, states, ports, load } = chatting();
  await load();
  await chat.send("first");
  await chat.send("second");
  expect(chat.turns.map((turn) => turn.text)).toEqual(["first", "one two three", "second", "one two three"]);
  expect(states).toEqual(["loading", "ready", "generating", "ready", "generating", "ready"]);
  expect(ports[0]?.requests.at(-1)).toMatchObject({ messages: [{ content: "first" }, { role: "assistant" }, { content: "second" }] });
});

test("without a template the prompt is exactly the text", async () => {
  const { chat, ports, load } = chatting({ ...SCRIPT, info: { chat: false } });
  await load();
  await chat.send("  Once upon ");
  expect(ports[0]?.requests.at(-1)).toMatchObject({ kind: "generate", prompt: "  Once upon " });
});

test("stops, and answers again", async () => {
  const { chat, load } = chatting({ pieces: Array.from({ length: 200 }, (_, i) => `${i} `), delayMs: 1 });
  await load();
  const sent = chat.send("count");
  await vi.waitFor(() => expect(chat.turns.at(-1)?.tokens).toBeGreaterThan(3));
  chat.stop();
  expect(chat.state).toBe("ready");
  await sent;
  const { text } = chat.turns[1] ?? {};
  expect(text).toMatch(/^0 1 2 /);
  expect(chat.turns[1]?.finish).toBe("cancelled");
  const again = chat.send("again");
  await vi.waitFor(() => expect(chat.turns.at(-1)?.tokens).toBeGreaterThan(3));
  expect(chat.turns[1]?.text).toBe(text);
  chat.stop();
  await again;
});

test("a failed load says why, and a cancelled one goes back", async () => {
  const failed = chatting({ ...SCRIPT, fails: "memory" });
  await failed.load();
  expect([failed.chat.state, failed.chat.failure?.code]).toEqual(["error", "memory"]);
  failed.chat.dismiss();
  expect(failed.chat.state).toBe("idle");

  const stuck = chatting({ ...SCRIPT, stuckAt: 3 });
  const loading = stuck.load();
  await vi.waitFor(() => expect(stuck.chat.loading?.progress?.stage).toBe("load"));
  stuck.chat.stop();
  await loading;
  expect([stuck.chat.state, stuck.chat.failure]).toEqual(["idle", undefined]);
});

test("a new chat ends the answer and forgets", async () => {
  const { chat, load } = chatting({ ...SCRIPT, delayMs: 10 });
  await load();
  const sent = chat.send("x");
  chat.newChat();
  await sent;
  expect([chat.state, chat.turns.length]).toEqual(["ready", 0]);
});

test("nothing is sent that is empty or has no model", async () => {
  const { chat, load } = chatting();
  await chat.send("x");
  await load();
  await chat.send(" \n");
  expect(chat.turns).toHaveLength(0);
});

test.each([
  ["a list", [{ name: "a", url: "/models/a/", bytes: 5, family: "llama", template: true }], 1],
  ["damaged entries", [null, 3, {}, { name: "a" }, { name: "b", url: "/b" }], 1],
  ["no list", { a: 1 }, 0],
] as const)("models: %s", async (_, body, count) => {
  const models = await fetchModels("https://example.org/models.json", async () => Response.json(body));
  expect(models).toHaveLength(count);
});

test("models: no server", async () => {
  expect(await fetchModels("https://example.org/models.json", () => Promise.reject(new TypeError("x")))).toEqual([]);
});
