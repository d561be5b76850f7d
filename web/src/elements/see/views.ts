import { type TemplateResult, html, nothing } from "lit";

import { barsView } from "../bars.js";
import { ICONS } from "../icons.js";
import { showWhole, threeDigits } from "../numbers.js";
import type { Language } from "../texts.js";
import type { Eye, Rated } from "./eye.js";
import type { Words } from "./words.js";

type View = TemplateResult | typeof nothing;

/** What the views need to speak to people. */
export interface Voice {
  readonly words: Words;
  readonly language: Language;
  readonly cancel: string;
}

/** The model's classes. */
export function classesView({ words, language }: Voice, eye: Eye): View {
  if (eye.viewer?.about.classes === false) return html`<p class="soft">${words.noClasses}</p>`;
  if (!eye.classes) return nothing;
  return html`<section aria-live="polite"><h2>${words.classes}</h2>
    <div data-role="classes">${barsView(language, eye.classes.map(({ label, score }) => ({ name: label, score })))}</div>
  </section>`;
}

/** Which attention is shown. */
export function attentionView({ words }: Voice, eye: Eye, shown: boolean, show: (shown: boolean) => void): View {
  const { attention, aim } = eye;
  if (!attention) return nothing;
  const choose = (event: Event): number | undefined => {
    const { value } = event.target as HTMLSelectElement;
    return value === "" ? undefined : Number(value);
  };
  const patch = aim.patch === undefined ? {} : { patch: aim.patch };
  const layer = aim.layer === undefined ? {} : { layer: aim.layer };
  const onLayer = (event: Event): void => {
    const layer = choose(event);
    eye.attend(layer === undefined ? patch : { ...patch, layer, ...(aim.head === undefined ? {} : { head: aim.head }) });
  };
  const onHead = (event: Event): void => {
    const head = choose(event);
    eye.attend({ ...patch, ...layer, ...(head === undefined ? {} : { head }) });
  };
  const option = (value: number | undefined, name: string, chosen: number | undefined): TemplateResult =>
    html`<option value=${value ?? ""} ?selected=${value === chosen}>${name}</option>`;
  const [, columns] = attention.grid;
  const from = aim.patch === undefined ? words.fromPicture : words.fromPatch(Math.floor(aim.patch / columns) + 1, (aim.patch % columns) + 1);
  return html`<section class="attention"><h2>${words.attention}</h2>
    <label class="check"><input type="checkbox" .checked=${shown} @change=${(event: Event) => show((event.target as HTMLInputElement).checked)} />${words.showAttention}</label>
    <label>${words.layer}<select name="layer" @change=${onLayer}>
      ${option(undefined, words.rollout, aim.layer)}${Array.from({ length: attention.layers }, (_, i) => option(i, words.layerName(i + 1), aim.layer))}
    </select></label>
    <label>${words.head}<select name="head" ?disabled=${aim.layer === undefined} @change=${onHead}>
      ${option(undefined, words.mean, aim.head)}${Array.from({ length: attention.heads }, (_, i) => option(i, words.headName(i + 1), aim.head))}
    </select></label>
    <p class="soft" data-role="from" aria-live="polite">${from}</p>
    <p class="soft">${words.attentionHint}</p>
  </section>`;
}

/** How well the labels fit. */
export function fitsView({ words, language }: Voice, eye: Eye): View {
  if (!eye.fits || eye.milliseconds === undefined) return nothing;
  return html`<section class="result" aria-live="polite"><h2>${words.took(threeDigits(eye.milliseconds, language))}</h2>
    <div data-role="fits">${barsView(language, eye.fits.map(({ label, score }) => ({ name: label, score })))}</div>
  </section>`;
}

/** The collection and how far it is looked at. */
export function galleryView({ words, language, cancel }: Voice, eye: Eye): TemplateResult {
  const { collecting, kept } = eye;
  const waiting = kept.some(({ vector }) => vector === undefined);
  const line = eye.query === "" ? words.pictures(showWhole(kept.length, language)) : words.sorted(eye.query);
  const thumb = ({ url, name, score }: Rated): TemplateResult => html`<li>
    <figure><img src=${url} alt=${name} loading="lazy" /><figcaption><span>${name}</span>${score === undefined ? nothing : html`<output>${threeDigits(score, language)}</output>`}</figcaption></figure>
  </li>`;
  const progress = (): TemplateResult => {
    const { done = 0, total = 1 } = collecting ?? {};
    const text = words.collecting(showWhole(done, language), showWhole(total, language));
    return html`<div class="collecting" role="status">${text}<progress aria-label=${text} .value=${done / total}></progress>
      <button class="button" type="button" @click=${() => eye.stop()}>${ICONS.stop}${cancel}</button></div>`;
  };
  const rest = html`<div class="row"><button class="button" type="button" @click=${() => void eye.collect()}>${words.goOn}</button></div>`;
  return html`${collecting ? progress() : waiting ? rest : nothing}
    <p class="soft" aria-live="polite">${line}</p>
    <ol class="gallery">${eye.rated.map(thumb)}</ol>`;
}
