import "../src/elements/segment/element.js";
import type { DeviceChoice } from "../src/engine/index.js";
import type { Language } from "../src/elements/texts.js";
import { fillTexts, numberParameter, pageLanguage } from "./page.js";

const DEVICES: readonly DeviceChoice[] = ["auto", "webgpu", "wasm"];

const parameters = new URLSearchParams(location.search);
const studio = document.querySelector("dynasty-segment");
if (studio) {
  const language = pageLanguage();
  fillTexts(language);
  studio.language = language;
  studio.model = parameters.get("model") ?? undefined;
  studio.picture = parameters.get("picture") ?? undefined;
  studio.device = DEVICES.find((device) => device === parameters.get("device")) ?? "auto";
  studio.threads = numberParameter("threads");
  studio.addEventListener("languagechange", (event) => fillTexts((event as CustomEvent<Language>).detail));
}
