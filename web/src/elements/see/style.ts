import { css } from "lit";

import { barsStyle } from "../bars.js";
import { frameStyle } from "../frame-style.js";
import { pictureStyle } from "../picture-element.js";
import { startStyle } from "../start-style.js";
import { tabsStyle } from "../tabs.js";

/** The panels. */
const eye = css`
  :host {
    grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .studio {
    grid-template-columns: minmax(0, 1fr) 20rem;
    padding-top: 1rem;
  }

  .tools .bars li {
    grid-template-columns: minmax(4rem, 8.5rem) minmax(0, 1fr) auto;
    gap: 0.5rem;
  }

  .tools label,
  .search label {
    display: grid;
    gap: 0.3rem;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--soft);
  }

  .tools .check {
    display: flex;
    align-items: center;
    gap: 0.5rem;
    font-weight: 400;
    font-size: 0.9375rem;
    color: var(--ink);
  }

  .attention {
    display: grid;
    gap: 0.6rem;
  }

  textarea,
  select,
  input[name="template"],
  input[name="query"] {
    width: 100%;
    padding: 0.5rem 0.75rem;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--surface);
    color: var(--ink);
    font: 1rem/1.5 var(--sans);
  }

  select:disabled {
    color: var(--soft);
  }

  textarea {
    resize: vertical;
    min-height: 7rem;
  }

  .match {
    display: grid;
    gap: 0.9rem;
  }

  .search {
    width: 100%;
    max-width: 64rem;
    margin-inline: auto;
    display: grid;
    gap: 1rem;
    padding-block: 1rem 3rem;
  }

  .search form {
    display: flex;
    flex-wrap: wrap;
    gap: 0.6rem;
    align-items: end;
  }

  .search form label {
    flex: 1 1 16rem;
  }

  .collecting {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
    font-size: 0.875rem;
  }

  .collecting progress {
    flex: 1 1 8rem;
    width: auto;
  }

  .gallery {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(46%, 11rem), 1fr));
    gap: 0.75rem;
  }

  figure {
    margin: 0;
    border: 1px solid var(--line);
    border-radius: 12px;
    overflow: hidden;
    background: var(--surface);
  }

  img {
    display: block;
    width: 100%;
    aspect-ratio: 4 / 3;
    object-fit: cover;
    background: var(--tint);
  }

  figcaption {
    display: flex;
    justify-content: space-between;
    gap: 0.5rem;
    padding: 0.4rem 0.6rem;
    font-size: 0.8125rem;
  }

  figcaption span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  @media (max-width: 46rem) {
    .studio {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;

/** How the page of seeing models looks. */
export const seeStyle = [frameStyle, startStyle, tabsStyle, barsStyle, pictureStyle, eye];
