import { type TemplateResult, css, html } from "lit";

import { showShare } from "./numbers.js";
import type { Language } from "./texts.js";

/** A row of a chart. */
export interface Bar {
  readonly name: string;
  readonly score: number;
  readonly choose?: () => void;
}

/** Bars by score, in the order that they come in. Scores are probabilities, unless they are shown otherwise. */
export function barsView(language: Language, rows: readonly Bar[], show = showShare): TemplateResult {
  const most = Math.max(...rows.map(({ score }) => Math.abs(score)), 1e-9);
  return html`<ul class="bars">
    ${rows.map(({ name, score, choose }) => {
      const label = choose ? html`<button @click=${choose}>${name}</button>` : html`<span>${name}</span>`;
      return html`<li>${label}<i style="inline-size:${(60 * Math.abs(score)) / most}%"></i><output title=${score}>${show(score, language)}</output></li>`;
    })}
  </ul>`;
}

/** How bars look. */
export const barsStyle = css`
  .bars {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 0.3rem;
  }

  .bars li {
    display: grid;
    grid-template-columns: minmax(5rem, 12rem) minmax(0, 1fr) auto;
    gap: 0.75rem;
    align-items: center;
  }

  .bars span {
    overflow-wrap: anywhere;
  }

  .bars button {
    text-align: start;
    text-decoration: underline dotted;
    text-underline-offset: 0.2em;
  }

  .bars i {
    block-size: 0.6rem;
    min-inline-size: 2px;
    border-radius: 3px;
    background: var(--accent);
  }

  output {
    font-variant-numeric: tabular-nums;
    color: var(--soft);
  }
`;
