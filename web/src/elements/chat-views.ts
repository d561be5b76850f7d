import { type TemplateResult, html, nothing } from "lit";

import type { DynastyError, ModelInfo } from "../engine/index.js";
import type { Conversation, Loading, Turn } from "./conversation.js";
import { ICONS } from "./icons.js";
import type { LocalModel } from "./models.js";
import { showBytes, showCount, showWhole, threeDigits } from "./numbers.js";
import type { Language, Texts } from "./texts.js";

type View = TemplateResult | typeof nothing;

/** What every view needs to speak to people. */
export interface Speech {
  readonly texts: Texts;
  readonly language: Language;
}

/** The models that the server offers, and the place to bring one's own. */
export function startView(
  { texts, language }: Speech,
  models: readonly LocalModel[],
  alert: View,
  act: { choose(model: LocalModel): void; openFile(): void; openFolder(): void },
  heading: { readonly title: string; readonly lead: string } = { title: texts.tagline, lead: texts.privacy },
): TemplateResult {
  const card = (model: LocalModel): TemplateResult => {
    const does = model.task !== "generate" ? "" : model.template ? texts.chats : texts.continues;
    const facts = [model.bytes > 0 ? showBytes(model.bytes, language) : "", model.family, does];
    return html`<li>
      <button class="card" @click=${() => act.choose(model)}>
        <strong>${model.name}</strong><small>${facts.filter((fact) => fact !== "").join(" · ")}</small>
      </button>
    </li>`;
  };
  return html`<div class="column start">
    ${alert}
    <div>
      <h1>${heading.title}</h1>
      <p class="lead">${heading.lead}</p>
    </div>
    ${models.length === 0 ? nothing : html`<section><h2>${texts.modelsHere}</h2><ul class="cards">${models.map(card)}</ul></section>`}
    <section>
      <h2>${texts.dropTitle}</h2>
      <div class="drop">
        <p>${texts.dropHint}</p>
        <div class="row">
          <button class="button" @click=${act.openFile}>${ICONS.file}${texts.openFile}</button>
          <button class="button" @click=${act.openFolder}>${ICONS.folder}${texts.openFolder}</button>
        </div>
      </div>
    </section>
  </div>`;
}

/** How far a model is. */
export function loadingView({ texts, language }: Speech, { name, progress }: Loading, cancel: () => void): TemplateResult {
  const bytes = (n: number): string => showBytes(n, language);
  let stage = texts.stageStart;
  let figures = "";
  let share: number | undefined;
  if (progress?.stage === "download") [stage, figures] = [texts.stageDownload, bytes(progress.done)];
  if (progress?.stage === "load") {
    [stage, figures] = [texts.stageLoad, texts.ofTotal(bytes(progress.done), bytes(progress.total))];
    share = progress.total > 0 ? progress.done / progress.total : undefined;
  }
  if (progress?.stage === "compile") [stage, share] = [texts.stageCompile, progress.done / progress.total];
  const bar = share === undefined ? html`<progress aria-label=${stage}></progress>` : html`<progress aria-label=${stage} .value=${share}></progress>`;
  return html`<div class="column start">
    <section class="loading" aria-live="polite">
      <h2>${texts.loading(name)}</h2>
      ${bar}
      <div class="facts"><span>${stage}</span><span>${figures}</span></div>
      <div class="row"><button class="button quiet" @click=${cancel}>${texts.cancel}</button></div>
    </section>
  </div>`;
}

/** One thing that was said. The text of the inner element is exactly the text so far. */
export function turnView(
  { texts, language }: Speech,
  turn: Turn,
  state: { readonly writing: boolean; readonly copied: boolean; readonly waiting: string },
  copy: () => void,
): TemplateResult {
  if (turn.role === "user") {
    return html`<article class="turn user">
      <span class="hidden">${texts.you}</span>
      <div class="said" data-role="user">${turn.text}</div>
    </article>`;
  }
  const figures = [
    turn.tokens > 0 ? texts.tokens(showWhole(turn.tokens, language)) : "",
    turn.speed === undefined ? "" : texts.tokensPerSecond(threeDigits(turn.speed, language)),
    turn.finish === undefined || turn.finish === "stop" ? "" : texts.finish[turn.finish],
    turn.text === "" && state.writing ? state.waiting : "",
  ];
  return html`<article class="turn assistant ${state.writing ? "writing" : ""}">
    <span class="hidden">${texts.answer}</span>
    <div class="said" data-role="assistant">${turn.text}</div>
    <div class="under">
      ${state.writing ? nothing : html`<button class="button quiet" @click=${copy}>${state.copied ? ICONS.done : ICONS.copy}${state.copied ? texts.copied : texts.copy}</button>`}
      <span aria-hidden="true">${figures.filter((figure) => figure !== "").join(" · ")}</span>
    </div>
  </article>`;
}

/** What went wrong and what to do next. */
export function errorView(
  { texts }: Speech,
  error: DynastyError,
  act: { retry: (() => void) | undefined; choose(): void; dismiss(): void },
): TemplateResult {
  const { title, next } = texts.errors[error.code];
  return html`<div class="alert" role="alert" data-code=${error.code}>
    <strong>${title}</strong>
    <p>${next}</p>
    <code>${error.message}</code>
    <div class="row">
      ${act.retry ? html`<button class="button" @click=${act.retry}>${texts.tryAgain}</button>` : nothing}
      <button class="button" @click=${act.choose}>${texts.chooseModel}</button>
      <button class="button quiet" @click=${act.dismiss}>${texts.dismiss}</button>
    </div>
  </div>`;
}

/** Where a model runs, in a few words. */
export function runsInShort({ texts }: Speech, info: Pick<ModelInfo, "device" | "threads" | "kernels">): string {
  const device = info.device === "webgpu" ? "WebGPU" : `WebAssembly · ${texts.threads(info.threads)}`;
  return [device, ...info.kernels.slice(0, 1)].join(" · ");
}

/** Where a model runs and why not better. */
export function runsPanel({ texts, language }: Speech, chat: Conversation, info: ModelInfo): TemplateResult {
  const speed = (value: number | undefined): string => (value === undefined ? "–" : texts.tokensPerSecond(threeDigits(value, language)));
  const rows: [string, string][] = [
    [texts.parameters, showCount(info.parameters, language)],
    [texts.weights, showBytes(info.bytes, language)],
    [texts.context, texts.tokens(showWhole(info.context, language))],
    [texts.readSpeed, speed(chat.readSpeed)],
    [texts.writeSpeed, speed(chat.writeSpeed)],
    [texts.kernels, info.kernels.join(", ") || "–"],
    [texts.why, info.reason],
  ];
  return html`<div class="panel" id="runs" role="group" aria-label=${texts.runsHere}>
    <ul class="ladder">
      ${info.steps.map(
        (step) => html`<li class=${step.taken ? "taken" : ""}>
          <span><b>${texts.steps[step.name]}</b><span class="hidden"> (${step.taken ? texts.taken : texts.notTaken})</span> ${texts.reasons[step.reason]}</span>
        </li>`,
      )}
    </ul>
    <dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
  </div>`;
}

const LONGEST = [16, 32, 64, 128, 256, 512, 1024, 2048] as const;

/** How answers are drawn. */
export function settingsPanel({ texts, language }: Speech, chat: Conversation, changed: () => void): TemplateResult {
  const { temperature = 0.8, maxTokens } = chat.drawing;
  const place = LONGEST.findIndex((most) => maxTokens !== undefined && most >= maxTokens);
  const setTemperature = (event: Event): void => {
    chat.drawing.temperature = (event.target as HTMLInputElement).valueAsNumber;
    changed();
  };
  const setLongest = (event: Event): void => {
    chat.drawing.maxTokens = LONGEST[(event.target as HTMLInputElement).valueAsNumber];
    changed();
  };
  return html`<div class="panel settings" id="settings" role="group" aria-label=${texts.settings}>
    <label>
      ${texts.temperature}<output>${chat.drawing.temperature === undefined ? texts.modelsOwn : threeDigits(temperature, language)}</output>
      <input type="range" min="0" max="2" step="0.1" .value=${String(temperature)} @input=${setTemperature} />
    </label>
    <label>
      ${texts.maxTokens}<output>${maxTokens === undefined ? texts.noLimit : texts.tokens(showWhole(maxTokens, language))}</output>
      <input type="range" min="0" max=${LONGEST.length} step="1" .value=${String(place < 0 ? LONGEST.length : place)} @input=${setLongest} />
    </label>
  </div>`;
}

/** Said once, above the conversation with a model that cannot chat. */
export function completionNotice({ texts }: Speech, chat: Conversation): View {
  if (chat.model?.info.chat !== false) return nothing;
  return html`<p class="notice" data-mode="completion"><strong>${texts.completionTitle}.</strong> ${texts.completionMode}</p>`;
}
