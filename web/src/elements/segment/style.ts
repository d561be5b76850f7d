import { css } from "lit";

import { barsStyle } from "../bars.js";
import { frameStyle } from "../frame-style.js";
import { pictureStyle } from "../picture-element.js";
import { startStyle } from "../start-style.js";

/** The frame and the masks. */
const studio = css`
  :host {
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .choices {
    display: flex;
    gap: 0.4rem;
  }

  .choices button {
    flex: 1;
    padding: 0.35rem 0.5rem;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--surface);
    font-variant-numeric: tabular-nums;
    font-size: 0.875rem;
  }

  .choices button[aria-pressed="true"] {
    border-color: var(--accent);
    box-shadow: inset 0 0 0 1px var(--accent);
    font-weight: 600;
  }

  .words {
    display: grid;
    gap: 0.5rem;
  }

  .words label {
    display: grid;
    gap: 0.3rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .words input {
    min-width: 0;
    padding: 0.45rem 0.8rem;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--surface);
    color: var(--ink);
    font: 1rem/1.5 var(--sans);
  }

  .words .model-name {
    max-width: 100%;
    margin: 0;
    font-size: 0.875rem;
  }

  .tools .bars li {
    grid-template-columns: auto minmax(0, 1fr) auto;
  }

  .check {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    font-size: 0.9375rem;
  }
`;

/** How the page of masks looks. */
export const segmentStyle = [frameStyle, startStyle, pictureStyle, barsStyle, studio];
