import { css } from "lit";

/** Where one writes, and the panels above it. */
export const composerStyle = css`
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
`;
