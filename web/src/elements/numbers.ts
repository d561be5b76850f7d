import type { Language } from "./texts.js";

const LOCALE = { en: "en", zh: "zh-Hans" } as const;

/** A size with three digits: `138 MB`. */
export function showBytes(bytes: number, language: Language): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${threeDigits(bytes / 1000 ** power, language)} ${units[power]}`;
}

/** A count in words: `135M`. */
export function showCount(count: number, language: Language): string {
  return new Intl.NumberFormat(LOCALE[language], { notation: "compact", maximumSignificantDigits: 3 }).format(count);
}

/** A whole number with its separators. */
export function showWhole(count: number, language: Language): string {
  return new Intl.NumberFormat(LOCALE[language], { maximumFractionDigits: 0 }).format(count);
}

/** A speed with three digits. */
export function threeDigits(value: number, language: Language): string {
  return new Intl.NumberFormat(LOCALE[language], { maximumSignificantDigits: 3 }).format(value);
}

/** A probability with one decimal of a percent; below half of that, that there is less. Other numbers as they are. */
export function showShare(value: number, language: Language): string {
  if (!(value >= 0 && value <= 1)) return threeDigits(value, language);
  const percent = new Intl.NumberFormat(LOCALE[language], { style: "percent", maximumFractionDigits: 1 });
  return value > 0 && value < 0.0005 ? `< ${percent.format(0.001)}` : percent.format(value);
}
