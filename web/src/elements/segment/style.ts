import { css } from "lit";

import { frameStyle } from "../frame-style.js";
import { startStyle } from "../start-style.js";

/** The frame, the picture and the tools beside it. */
const studio = css`
  :host {
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .studio {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 16rem;
    gap: 1.25rem;
    align-items: start;
    padding-block: 0.5rem 2rem;
  }

  .stage {
    position: relative;
    justify-self: center;
    line-height: 0;
    border-radius: calc(var(--radius) - 6px);
    overflow: hidden;
    box-shadow: var(--shadow);
    background: repeating-conic-gradient(var(--tint) 0 25%, var(--surface) 0 50%) 0 0 / 18px 18px;
    touch-action: none;
  }

  .stage canvas {
    display: block;
    width: 100%;
    height: auto;
  }

  .stage canvas + canvas {
    position: absolute;
    inset: 0;
    height: 100%;
    pointer-events: none;
  }

  .stage .picture {
    cursor: crosshair;
  }

  .stage .busy {
    position: absolute;
    inset-inline: 0;
    bottom: 0;
    padding: 0.6rem 0.9rem;
    line-height: 1.5;
    background: color-mix(in srgb, var(--paper) 86%, transparent);
    backdrop-filter: blur(4px);
    font-size: 0.875rem;
  }

  .tools {
    display: grid;
    gap: 0.9rem;
  }

  .tools h2 {
    margin: 0 0 0.35rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .masks {
    display: flex;
    gap: 0.4rem;
  }

  .masks button {
    flex: 1;
    padding: 0.35rem 0.5rem;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--surface);
    font-variant-numeric: tabular-nums;
    font-size: 0.875rem;
  }

  .masks button[aria-pressed="true"] {
    border-color: var(--accent);
    box-shadow: inset 0 0 0 1px var(--accent);
    font-weight: 600;
  }

  .check {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    font-size: 0.9375rem;
  }

  .url {
    display: flex;
    gap: 0.5rem;
    flex: 1 1 18rem;
  }

  .url input {
    flex: 1;
    min-width: 0;
    padding: 0.45rem 0.8rem;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: var(--surface);
  }

  @media (max-width: 46rem) {
    .studio {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;

/** How the page of masks looks. */
export const segmentStyle = [frameStyle, startStyle, studio];
