import { css } from "lit";

import { composerStyle } from "./composer-style.js";
import { startStyle } from "./start-style.js";
import { turnStyle } from "./turn-style.js";

/** The frame of the chat. */
const frame = css`
  :host {
    display: grid;
    grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
    height: 100%;
    min-height: 24rem;
    position: relative;
    background: var(--paper);
    color: var(--ink);
    font: 1rem/1.6 var(--sans);
    -webkit-font-smoothing: antialiased;
  }

  .bar {
    display: flex;
    align-items: center;
    gap: 0.25rem;
    padding: 0.6rem clamp(0.6rem, 2vw, 1.25rem);
  }

  .bar .grow {
    flex: 1;
  }

  .model-name {
    min-width: 0;
    max-width: 46vw;
    margin-inline-start: 0.35rem;
  }

  .model-name span {
    overflow: hidden;
    text-overflow: ellipsis;
  }

  main {
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-gutter: stable both-edges;
    padding-inline: clamp(0.6rem, 3vw, 1.5rem);
  }

  .column {
    width: 100%;
    max-width: 46rem;
    margin-inline: auto;
  }
`;

/** What is different on a phone; the last word. */
const phone = css`
  @media (max-width: 34rem) {
    .wide {
      display: none;
    }

    .bar .button {
      padding-inline: 0.65rem;
    }

    .start {
      justify-content: flex-start;
    }

    .welcome {
      padding-top: 12vh;
      font-size: 1.3rem;
    }
  }
`;

/** How the chat looks. */
export const chatStyle = [frame, startStyle, turnStyle, composerStyle, phone];
