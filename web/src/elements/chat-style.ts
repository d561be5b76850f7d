import { css } from "lit";

/** How the chat looks. */
export const chatStyle = css`
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

  /* The page before a conversation. */

  .start {
    min-height: 100%;
    display: flex;
    flex-direction: column;
    justify-content: safe center;
    gap: 1.75rem;
    padding-block: 1.5rem 2.5rem;
  }

  h1,
  h2,
  p {
    margin: 0;
  }

  .start h1 {
    font: 600 clamp(1.65rem, 4.6vw, 2.35rem) / 1.2 var(--serif);
    letter-spacing: -0.015em;
    text-wrap: balance;
  }

  .lead {
    margin-top: 0.6rem;
    color: var(--soft);
    text-wrap: pretty;
  }

  h2 {
    margin-bottom: 0.65rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .cards {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 14.5rem), 1fr));
    gap: 0.65rem;
  }

  .card {
    width: 100%;
    height: 100%;
    text-align: start;
    padding: 0.85rem 1rem;
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) - 4px);
    background: var(--surface);
    transition: border-color 0.15s, transform 0.15s, box-shadow 0.15s;
  }

  .card:hover {
    border-color: color-mix(in srgb, var(--accent) 55%, var(--line));
    box-shadow: var(--shadow);
    transform: translateY(-1px);
  }

  .card strong {
    display: block;
    font-weight: 600;
    overflow-wrap: anywhere;
    line-height: 1.35;
  }

  .card small {
    display: block;
    margin-top: 0.2rem;
    font-size: 0.8125rem;
    color: var(--soft);
    font-variant-numeric: tabular-nums;
  }

  .drop {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.75rem 1rem;
    padding: 1rem 1.1rem;
    border: 1.5px dashed var(--line);
    border-radius: calc(var(--radius) - 4px);
    color: var(--soft);
    font-size: 0.9375rem;
  }

  .drop p {
    flex: 1 1 15rem;
    text-wrap: pretty;
  }

  .row {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
  }

  .veil {
    position: absolute;
    inset: 0.75rem;
    z-index: 3;
    display: grid;
    place-items: center;
    border: 2px dashed var(--accent);
    border-radius: var(--radius);
    background: color-mix(in srgb, var(--paper) 88%, transparent);
    backdrop-filter: blur(3px);
    font: 600 1.35rem var(--serif);
    color: var(--accent);
    pointer-events: none;
  }

  /* Loading. */

  .loading {
    padding: 1.25rem 1.35rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
  }

  .loading h2 {
    margin: 0 0 0.9rem;
    font: 600 1.125rem/1.35 var(--serif);
    color: var(--ink);
    overflow-wrap: anywhere;
  }

  progress {
    appearance: none;
    display: block;
    width: 100%;
    height: 6px;
    border: 0;
    border-radius: 3px;
    overflow: hidden;
    background: var(--tint);
  }

  progress::-webkit-progress-bar {
    background: var(--tint);
  }

  progress::-webkit-progress-value {
    border-radius: 3px;
    background: var(--accent);
    transition: inline-size 0.2s ease-out;
  }

  progress::-moz-progress-bar {
    border-radius: 3px;
    background: var(--accent);
  }

  progress:indeterminate {
    background: linear-gradient(90deg, transparent, var(--accent), transparent) no-repeat var(--tint);
    background-size: 40% 100%;
    animation: slide 1.3s ease-in-out infinite;
  }

  progress:indeterminate::-webkit-progress-bar {
    background: none;
  }

  progress:indeterminate::-moz-progress-bar {
    background: none;
  }

  @keyframes slide {
    from {
      background-position: -70% 0;
    }
    to {
      background-position: 170% 0;
    }
  }

  .facts {
    display: flex;
    justify-content: space-between;
    gap: 1rem;
    margin-top: 0.6rem;
    font-size: 0.875rem;
    color: var(--soft);
    font-variant-numeric: tabular-nums;
  }

  .loading .row {
    justify-content: flex-end;
    margin-top: 0.75rem;
  }

  /* The conversation. */

  .log {
    padding-block: 1rem 2rem;
    display: flex;
    flex-direction: column;
    gap: 1.5rem;
  }

  .notice {
    padding: 0.75rem 1rem;
    border-radius: calc(var(--radius) - 6px);
    background: var(--tint);
    font-size: 0.9375rem;
    color: var(--soft);
  }

  .notice strong {
    color: var(--ink);
    font-weight: 600;
  }

  .welcome {
    padding-block: 18vh 0;
    text-align: center;
    font: 600 1.5rem/1.3 var(--serif);
  }

  .said {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }

  .turn.user {
    align-self: flex-end;
    max-width: min(85%, 36rem);
    padding: 0.6rem 1rem;
    border-radius: var(--radius) var(--radius) 5px var(--radius);
    background: var(--tint);
  }

  .turn.assistant {
    min-width: 0;
  }

  .turn.writing .said::after {
    content: "";
    display: inline-block;
    width: 0.5em;
    height: 1.05em;
    margin-inline-start: 2px;
    vertical-align: -0.16em;
    border-radius: 2px;
    background: var(--accent);
    animation: breathe 1.1s ease-in-out infinite;
  }

  @keyframes breathe {
    50% {
      opacity: 0.25;
    }
  }

  .under {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.15rem 0.75rem;
    min-height: 2rem;
    margin-top: 0.35rem;
    font-size: 0.8125rem;
    color: var(--soft);
    font-variant-numeric: tabular-nums;
  }

  .under .button {
    padding: 0.25rem 0.6rem;
    margin-inline-start: -0.6rem;
    font-size: 0.8125rem;
  }

  .alert {
    padding: 1rem 1.15rem;
    border: 1px solid color-mix(in srgb, var(--accent) 40%, var(--line));
    border-radius: calc(var(--radius) - 4px);
    background: color-mix(in srgb, var(--accent) 7%, var(--surface));
  }

  .alert strong {
    display: block;
    font-weight: 600;
  }

  .alert code {
    display: block;
    margin-block: 0.6rem 0.85rem;
    font: 0.8125rem/1.5 var(--mono);
    color: var(--soft);
    overflow-wrap: anywhere;
  }

  /* Where one writes. */

  footer {
    padding: 0 clamp(0.6rem, 3vw, 1.5rem) max(0.75rem, env(safe-area-inset-bottom));
  }

  .composer {
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) + 4px);
    background: var(--surface);
    box-shadow: var(--shadow);
    transition: border-color 0.15s;
  }

  .composer:focus-within {
    border-color: color-mix(in srgb, var(--accent) 60%, var(--line));
  }

  textarea {
    display: block;
    width: 100%;
    max-height: 40vh;
    padding: 0.9rem 1.15rem 0.25rem;
    border: 0;
    resize: none;
    outline: none;
    background: none;
    line-height: 1.5;
    field-sizing: content;
    min-height: 2.75rem;
  }

  textarea:focus-visible {
    outline: none;
  }

  textarea::placeholder {
    color: color-mix(in srgb, var(--soft) 85%, transparent);
    opacity: 1;
  }

  .tools {
    display: flex;
    align-items: center;
    gap: 0.35rem;
    padding: 0.35rem 0.5rem 0.5rem 0.6rem;
  }

  .tools .grow {
    flex: 1;
  }

  .runs {
    min-width: 0;
    overflow: hidden;
    padding-inline: 0.6rem;
    font-size: 0.8125rem;
  }

  .runs span {
    overflow: hidden;
    text-overflow: ellipsis;
  }

  .lamp {
    width: 0.5rem;
    height: 0.5rem;
    flex: none;
    border-radius: 50%;
    background: var(--good);
  }

  .panel {
    margin-bottom: 0.6rem;
    padding: 1rem 1.15rem;
    max-height: 48vh;
    overflow-y: auto;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
    font-size: 0.875rem;
    line-height: 1.5;
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr));
    gap: 1rem 2rem;
  }

  dl {
    margin: 0;
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.2rem 1rem;
    align-content: start;
  }

  dt {
    color: var(--soft);
  }

  dd {
    margin: 0;
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }

  .ladder {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 0.2rem;
    align-content: start;
  }

  .ladder li {
    display: grid;
    grid-template-columns: 1rem minmax(0, 1fr);
    gap: 0.5rem;
    color: var(--soft);
  }

  .ladder li::before {
    content: "–";
    text-align: center;
  }

  .ladder li.taken::before {
    content: "✓";
    color: var(--good);
    font-weight: 700;
  }

  .ladder b {
    font-weight: 600;
    color: var(--ink);
  }

  .settings label {
    display: grid;
    grid-template-columns: 1fr auto;
    gap: 0.15rem 1rem;
  }

  .settings output {
    font-variant-numeric: tabular-nums;
    color: var(--soft);
  }

  .settings input {
    grid-column: 1 / -1;
    width: 100%;
    accent-color: var(--accent);
  }

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
