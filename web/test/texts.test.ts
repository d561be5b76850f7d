import { expect, test } from "vitest";

import { PICTURE_WORDS } from "../src/elements/pictures.js";
import { WORDS as SEE } from "../src/elements/see/words.js";
import { WORDS as SEGMENT } from "../src/elements/segment/words.js";
import { WORDS as TEXT } from "../src/elements/text/words.js";
import { TEXTS, chooseLanguage } from "../src/elements/texts.js";
import { showBytes, showCount, showShare } from "../src/elements/numbers.js";

/** Every path through a catalogue to a text. */
function paths(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path} ${typeof value}`];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, `${path}.${key}`));
}

test.each([TEXTS, TEXT, SEGMENT, SEE, PICTURE_WORDS])("both languages say everything", (catalogue) => {
  expect(paths(catalogue.zh)).toEqual(paths(catalogue.en));
  const texts = Object.values(catalogue).flatMap((language) => Object.values(language));
  expect(texts.filter((text) => text === "")).toEqual([]);
});

test("the buttons have the names that scripts look for", () => {
  expect([TEXTS.en.send, TEXTS.en.stop, TEXTS.zh.send, TEXTS.zh.stop]).toEqual(["Send", "Stop", "发送", "停止"]);
});

test.each([
  [["zh-CN", "en"], "zh"],
  [["de", "zh-Hant"], "zh"],
  [["en-GB"], "en"],
  [["fr"], "en"],
  [[], "en"],
] as const)("%s → %s", (preferred, language) => {
  expect(chooseLanguage(preferred)).toBe(language);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [2_630_000, "2.63 MB"],
  [143_000_000, "143 MB"],
  [4_200_000_000, "4.2 GB"],
] as const)("%d is %s", (bytes, shown) => {
  expect(showBytes(bytes, "en")).toBe(shown);
});

test("counts are short", () => {
  expect(showCount(134_515_008, "en")).toBe("135M");
});

test("probabilities are percents, other scores are numbers", () => {
  const shown = [0, 1e-5, 0.0004, 0.0005, 0.12345, 0.9999, 1, -0.25, 3.14159].map((score) => showShare(score, "en"));
  expect(shown).toEqual(["0%", "< 0.1%", "< 0.1%", "0.1%", "12.3%", "100%", "100%", "-0.25", "3.14"]);
  expect(showShare(0.5, "zh")).toBe("50%");
});
