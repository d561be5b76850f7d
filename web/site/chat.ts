import "../src/elements/chat.js";
import type { DeviceChoice } from "../src/engine/index.js";
import type { Language } from "../src/elements/texts.js";
import { fillTexts, numberParameter, pageLanguage } from "./page.js";

const DEVICES: readonly DeviceChoice[] = ["auto", "webgpu", "wasm"];

const parameters = new URLSearchParams(location.search);
const chat = document.querySelector("dynasty-chat");
if (chat) {
  const language = pageLanguage();
  fillTexts(language);
  chat.language = language;
  chat.model = parameters.get("model") ?? undefined;
  chat.device = DEVICES.find((device) => device === parameters.get("device")) ?? "auto";
  chat.threads = numberParameter("threads");
  chat.temperature = numberParameter("temperature");
  chat.maxTokens = numberParameter("max_tokens");
  chat.addEventListener("languagechange", (event) => fillTexts((event as CustomEvent<Language>).detail));
}
