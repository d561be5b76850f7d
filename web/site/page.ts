import type { DeviceChoice } from "../src/engine/index.js";
import type { ModelElement } from "../src/elements/model-element.js";
import { type Language, TEXTS, type Texts, chooseLanguage } from "../src/elements/texts.js";

/** The page's language: the one of `?lang=`, else the browser's. */
export function pageLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang");
  return chooseLanguage(asked === null ? navigator.languages : [asked]);
}

/** Writes the catalogue's texts into the elements that name one. */
export function fillTexts(language: Language): Texts {
  const texts = TEXTS[language];
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
    const text: unknown = texts[element.dataset["text"] as keyof Texts];
    if (typeof text === "string") element.textContent = text;
  }
  return texts;
}

/** A number of the address, if it is one. */
export function numberParameter(name: string): number | undefined {
  const text = new URLSearchParams(location.search).get(name);
  const value = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const DEVICES: readonly DeviceChoice[] = ["auto", "webgpu", "wasm"];

/** Gives a page's element what the address asks for. */
export function openElement(element: ModelElement): void {
  const parameters = new URLSearchParams(location.search);
  const language = pageLanguage();
  fillTexts(language);
  element.language = language;
  element.model = parameters.get("model") ?? undefined;
  element.device = DEVICES.find((device) => device === parameters.get("device")) ?? "auto";
  element.threads = numberParameter("threads");
  element.addEventListener("languagechange", (event) => fillTexts((event as CustomEvent<Language>).detail));
}
