import { css } from "lit";

import { barsStyle } from "../bars.js";
import { frameStyle } from "../frame-style.js";
import { startStyle } from "../start-style.js";
import { tabsStyle } from "../tabs.js";

/** The frame, the fields and the results. */
const desk = css`
  :host {
    grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .desk {
    display: grid;
    gap: 1rem;
    padding-block: 1.25rem 3rem;
  }

  .desk h1 {
    font: 600 1.5rem/1.25 var(--serif);
  }

  .desk label {
    display: grid;
    gap: 0.3rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .desk textarea,
  .desk input:not([type="file"]) {
    width: 100%;
    padding: 0.7rem 0.9rem;
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) - 6px);
    background: var(--surface);
    color: var(--ink);
    font: 1rem/1.55 var(--sans);
  }

  .pair {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 0.75rem;
  }

  .desk .beams {
    grid-auto-flow: column;
    align-items: center;
    gap: 0.5rem;
  }

  .desk .beams input {
    width: 8.5rem;
    padding-block: 0.4rem;
  }

  .desk textarea {
    resize: vertical;
    min-height: 5.5rem;
  }

  .result {
    display: grid;
    gap: 1rem;
    padding: 1rem 1.15rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
  }

  .result h2,
  .result h3 {
    margin: 0 0 0.4rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .scroll {
    overflow-x: auto;
  }

  .cosines {
    border-collapse: separate;
    border-spacing: 3px;
    font-size: 0.875rem;
    font-variant-numeric: tabular-nums;
  }

  .cosines th[scope="row"] {
    max-width: 18rem;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    text-align: start;
    font-weight: 400;
  }

  .cosines tbody td {
    padding: 0.3rem 0.55rem;
    border-radius: 6px;
    text-align: end;
    background: color-mix(in srgb, var(--accent) calc(var(--share) * 0.55), var(--tint));
  }

  .marked {
    white-space: pre-wrap;
    line-height: 2;
  }

  mark {
    padding: 0.15em 0.35em;
    border-radius: 6px;
    background: color-mix(in srgb, var(--accent) 22%, transparent);
    color: inherit;
  }

  mark small {
    margin-inline-start: 0.4em;
    font-weight: 600;
    color: var(--accent);
  }

  .tokens ol {
    list-style: none;
    margin: 0;
    padding: 0;
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem;
    font: 0.875rem/1.5 var(--mono);
  }

  .tokens li {
    padding: 0 0.35rem;
    border-radius: 5px;
    background: var(--tint);
    white-space: pre;
  }

  .tokens li.own {
    background: none;
    box-shadow: inset 0 0 0 1px var(--line);
    color: var(--soft);
  }
`;

/** How the page of reading models looks. */
export const textStyle = [frameStyle, startStyle, tabsStyle, barsStyle, desk];
