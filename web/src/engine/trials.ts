import type { Trial } from "./protocol.generated.js";

/** Where this package keeps what timed trials found. */
const KEY = "dynasty.trials";

/** The most that are kept; the oldest goes first. */
const MOST = 32;

/** What trials of earlier visits found; nothing where the browser keeps nothing for this page. */
export function knownTrials(): Trial[] {
  try {
    const kept: unknown = JSON.parse(globalThis.localStorage?.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isTrial) : [];
  } catch {
    return [];
  }
}

/** Keeps a trial for the next visit, where the browser keeps something for this page. */
export function rememberTrial(trial: Trial): void {
  const others = knownTrials().filter(({ key }) => key !== trial.key);
  try {
    globalThis.localStorage?.setItem(KEY, JSON.stringify([...others, trial].slice(-MOST)));
  } catch {
    // Storage is full or forbidden: the next visit makes its own trial.
  }
}

function isTrial(value: unknown): value is Trial {
  if (typeof value !== "object" || value === null) return false;
  const { key, gpu, reason } = value as Partial<Trial>;
  return typeof key === "string" && typeof gpu === "boolean" && typeof reason === "string";
}
