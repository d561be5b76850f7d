import { TASKS } from "../src/elements/text/element.js";
import type { DeviceChoice } from "../src/engine/index.js";
import type { Language } from "../src/elements/texts.js";
import { fillTexts, numberParameter, pageLanguage } from "./page.js";

const DEVICES: readonly DeviceChoice[] = ["auto", "webgpu", "wasm"];

const parameters = new URLSearchParams(location.search);
const desk = document.querySelector("dynasty-text");
if (desk) {
  const language = pageLanguage();
  fillTexts(language);
  desk.language = language;
  desk.model = parameters.get("model") ?? undefined;
  desk.task = TASKS.find((task) => task === parameters.get("task")) ?? "fill_mask";
  desk.device = DEVICES.find((device) => device === parameters.get("device")) ?? "auto";
  desk.threads = numberParameter("threads");
  desk.addEventListener("languagechange", (event) => fillTexts((event as CustomEvent<Language>).detail));
}
