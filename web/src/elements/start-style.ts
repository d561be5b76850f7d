import { css } from "lit";

/** The page before a conversation, and loading. */
export const startStyle = css`
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
`;
