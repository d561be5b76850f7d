import { css } from "lit";

import { composerStyle } from "./composer-style.js";
import { frameStyle } from "./frame-style.js";
import { startStyle } from "./start-style.js";
import { turnStyle } from "./turn-style.js";

/** The frame of the chat. */
const frame = css`
  :host {
    grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
  }

  main {
    overscroll-behavior: contain;
    scrollbar-gutter: stable both-edges;
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
export const chatStyle = [frameStyle, frame, startStyle, turnStyle, composerStyle, phone];
