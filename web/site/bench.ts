import { Dynasty, type DeviceChoice, type Model, type ModelSource } from "../src/engine/index.js";
import { toDynastyError } from "../src/engine/errors.js";
import { fetchModels } from "../src/elements/models.js";
import { fillTexts, numberParameter, pageLanguage } from "./page.js";

const parameters = new URLSearchParams(location.search);
const texts = fillTexts(pageLanguage());
const status = document.querySelector<HTMLElement>("#status");
const result = document.querySelector<HTMLElement>("#result");

/** What the address asks to be measured. */
async function source(): Promise<ModelSource> {
  const shape = parameters.get("shape");
  if (shape !== null) return { shape, quant: parameters.get("quant") ?? "q8_0" };
  const model = parameters.get("model") ?? "";
  const offered = await fetchModels(new URL("models.json", document.baseURI).href);
  return offered.find(({ name }) => name === model)?.url ?? model;
}

/** Milliseconds from the start of the page to a short prompt's first token. Random weights have no tokenizer for one. */
async function firstToken(model: Model): Promise<number> {
  await model.generate("the the the the the the the the", { max_tokens: 1, temperature: 0 });
  return performance.now();
}

async function measure(): Promise<object> {
  const device = (parameters.get("device") ?? "auto") as DeviceChoice;
  const engine = await Dynasty.create({ device, threads: numberParameter("threads") });
  const began = performance.now();
  const loading = await source();
  const model = await engine.load(loading, { context: numberParameter("context") });
  const load_ms = performance.now() - began;
  const first_token_ms = typeof loading === "string" && model.info.writes ? await firstToken(model) : undefined;
  const options = { prompt: numberParameter("prompt") ?? 128, tokens: numberParameter("tokens") ?? 64, runs: numberParameter("runs") ?? 5 };
  const figures = await model.bench(options);
  const { flavour, threads, steps } = model.info;
  engine.dispose();
  return { ...figures, load_ms, first_token_ms, flavour, threads, steps };
}

if (status) status.textContent = texts.benchRunning;
const shown = await measure().catch((thrown: unknown) => {
  const { code, message } = toDynastyError(thrown);
  return { error: { code, message } };
});
if (status) status.textContent = "";
if (result) {
  result.textContent = JSON.stringify(shown, undefined, 2);
  result.hidden = false;
}
