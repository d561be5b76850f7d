import { css } from "lit";

/** What every element with a model has: its surface, the bar and the column. */
export const frameStyle = css`
  :host {
    display: grid;
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

  .grow {
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
    padding-inline: clamp(0.6rem, 3vw, 1.5rem);
  }

  .column {
    width: 100%;
    max-width: 46rem;
    margin-inline: auto;
  }

  .soft {
    color: var(--soft);
    font-size: 0.875rem;
  }

  /* The model's name is worth more there than where it runs. */
  @media (max-width: 34rem) {
    .bar .soft {
      display: none;
    }
  }
`;
