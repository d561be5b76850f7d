import { css } from "lit";

/** What is said, and what goes wrong. */
export const turnStyle = css`
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
`;
