import { type TemplateResult, html, nothing } from "lit";

import type { Token } from "../../engine/index.js";
import { barsView } from "../bars.js";
import { showWhole, threeDigits } from "../numbers.js";
import type { Language } from "../texts.js";
import { cosine } from "../vectors.js";
import type { Found, Result } from "./desk.js";
import type { Words } from "./words.js";

/** What the views need to speak to people. */
export interface Voice {
  readonly words: Words;
  readonly language: Language;
}

/** A stretch of a text, in code points. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** What the model said. */
export function resultView(voice: Voice, { question, found }: Result, fill: (text: string) => void): TemplateResult {
  switch (found.task) {
    case "fill_mask":
      return masksView(voice, found.masks, fill);
    case "embed":
      return cosinesView(voice, found);
    case "classify":
      return barsView(voice.language, found.classes.map(({ label, score }) => ({ name: label, score })));
    case "entities":
      if (found.entities.length === 0) return html`<p class="soft">${voice.words.nothingFound}</p>`;
      return marksView(question.text, found.entities);
    case "translate":
    case "summarize":
      return writtenView(found.texts.map(({ text }) => text).join("\n"));
    case "answer": {
      const [best] = found.answers;
      return html`${best ? marksView(question.text, [{ start: best.start, end: best.end, label: "" }]) : nothing}
      ${barsView(voice.language, found.answers.map(({ answer, score }) => ({ name: answer, score })))}`;
    }
  }
}

/** A text that the model wrote, or is writing. */
export function writtenView(text: string): TemplateResult {
  return html`<p class="marked" data-role="written">${text}</p>`;
}

/** The tokens of the text; the model's own are set apart. */
export function tokensView({ words, language }: Voice, tokens: readonly Token[], text: string, longest: number): TemplateResult {
  const letters = Array.from(text);
  const piece = ({ id, token, place }: Token): TemplateResult => {
    const shown = place ? letters.slice(place[0], place[1]).join("").trim() || "␣" : token;
    return html`<li class=${place ? "" : "own"} title="${token} · ${id}">${shown}</li>`;
  };
  const cut = tokens.length >= longest ? html`<p class="soft">${words.cut(showWhole(longest, language))}</p>` : nothing;
  return html`<section class="tokens"><h3>${words.tokens(showWhole(tokens.length, language))}</h3><ol>${tokens.map(piece)}</ol>${cut}</section>`;
}

function masksView(voice: Voice, masks: Extract<Found, { task: "fill_mask" }>["masks"], fill: (text: string) => void): TemplateResult {
  return html`${masks.map(
    ({ candidates }, i) => html`<section>
      ${masks.length > 1 ? html`<h3>${voice.words.gap(i + 1)}</h3>` : nothing}
      ${barsView(voice.language, candidates.map(({ token_str, score, sequence }) => ({ name: token_str.trim() || "␣", score, choose: () => fill(sequence) })))}
    </section>`,
  )}`;
}

/** Every text against every other. */
function cosinesView({ language }: Voice, { texts, vectors }: Extract<Found, { task: "embed" }>): TemplateResult {
  const cell = (a: readonly number[], b: readonly number[]): TemplateResult => {
    const value = cosine(a, b);
    return html`<td style="--share:${Math.round(100 * Math.max(0, value))}%">${threeDigits(value, language)}</td>`;
  };
  return html`<div class="scroll"><table class="cosines">
    <thead><tr><td></td>${texts.map((_, i) => html`<th scope="col">${i + 1}</th>`)}</tr></thead>
    <tbody>
      ${vectors.map((a, i) => html`<tr><th scope="row" title=${texts[i] ?? ""}><b>${i + 1}</b> ${texts[i]}</th>${vectors.map((b) => cell(a, b))}</tr>`)}
    </tbody>
  </table></div>`;
}

/** The text with stretches marked. */
function marksView(text: string, stretches: readonly Stretch[]): TemplateResult {
  const letters = Array.from(text);
  const sorted = [...stretches].sort((a, b) => a.start - b.start);
  let at = 0;
  const parts = sorted.map(({ start, end, label }) => {
    const before = letters.slice(at, start).join("");
    at = Math.max(at, end);
    return html`${before}<mark>${letters.slice(start, end).join("")}${label === "" ? nothing : html`<small>${label}</small>`}</mark>`;
  });
  return html`<p class="marked">${parts}${letters.slice(at).join("")}</p>`;
}
