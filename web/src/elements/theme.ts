import { css } from "lit";

/** Colours, type and shapes. A page may set any `--dynasty-*` property to its own. */
export const theme = css`
  :host {
    --paper: var(--dynasty-paper, #faf8f4);
    --surface: var(--dynasty-surface, #ffffff);
    --tint: var(--dynasty-tint, #f2ede4);
    --ink: var(--dynasty-ink, #211f1b);
    --soft: var(--dynasty-soft, #6b645a);
    --line: var(--dynasty-line, #e5dfd4);
    --accent: var(--dynasty-accent, #a93a2b);
    --on-accent: var(--dynasty-on-accent, #fffaf6);
    --good: var(--dynasty-good, #35734a);
    --shadow: var(--dynasty-shadow, 0 1px 2px rgb(60 45 25 / 6%), 0 8px 28px rgb(60 45 25 / 8%));
    --radius: var(--dynasty-radius, 18px);
    --sans: var(--dynasty-sans, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Noto Sans CJK SC", sans-serif);
    --serif: var(--dynasty-serif, ui-serif, "Iowan Old Style", Georgia, "Songti SC", "Noto Serif CJK SC", serif);
    --mono: var(--dynasty-mono, ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace);
    color-scheme: light dark;
  }

  @media (prefers-color-scheme: dark) {
    :host {
      --paper: var(--dynasty-paper, #171614);
      --surface: var(--dynasty-surface, #201e1b);
      --tint: var(--dynasty-tint, #2a2723);
      --ink: var(--dynasty-ink, #ece7de);
      --soft: var(--dynasty-soft, #a59d91);
      --line: var(--dynasty-line, #37332d);
      --accent: var(--dynasty-accent, #e2715c);
      --on-accent: var(--dynasty-on-accent, #1d0f0b);
      --good: var(--dynasty-good, #7fc296);
      --shadow: var(--dynasty-shadow, 0 1px 2px rgb(0 0 0 / 30%), 0 10px 32px rgb(0 0 0 / 32%));
    }
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  button,
  textarea,
  input {
    font: inherit;
    color: inherit;
  }

  button {
    cursor: pointer;
    border: 0;
    background: none;
    padding: 0;
  }

  button:disabled {
    cursor: default;
  }

  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }

  svg {
    display: block;
    flex: none;
  }

  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .button {
    display: inline-flex;
    align-items: center;
    gap: 0.5em;
    padding: 0.5rem 0.9rem;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: var(--surface);
    font-size: 0.875rem;
    line-height: 1.25rem;
    white-space: nowrap;
    transition: background-color 0.15s, border-color 0.15s;
  }

  .button:hover:not(:disabled) {
    background: var(--tint);
  }

  .button.quiet {
    border-color: transparent;
    background: none;
    color: var(--soft);
  }

  .button.quiet:hover {
    color: var(--ink);
    background: var(--tint);
  }

  .button.primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }

  .button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--ink));
  }

  .button.primary:disabled {
    background: var(--tint);
    color: color-mix(in srgb, var(--soft) 70%, transparent);
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
`;
