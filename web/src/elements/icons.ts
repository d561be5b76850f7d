import { type TemplateResult, svg } from "lit";

const icon = (body: TemplateResult): TemplateResult => svg`<svg width="16" height="16" viewBox="0 0 16 16" fill="none"
  stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${body}</svg>`;

/** The signs on buttons; each stands beside its text. */
export const ICONS = {
  send: icon(svg`<path d="M8 13V3M3.5 7.5 8 3l4.5 4.5"/>`),
  stop: icon(svg`<rect x="4" y="4" width="8" height="8" rx="1.5" fill="currentColor"/>`),
  copy: icon(svg`<rect x="5.5" y="5.5" width="8" height="8" rx="2"/><path d="M10.5 5.5v-1a2 2 0 0 0-2-2h-4a2 2 0 0 0-2 2v4a2 2 0 0 0 2 2h1"/>`),
  done: icon(svg`<path d="m3.5 8.5 3 3 6-7"/>`),
  fresh: icon(svg`<path d="M13.5 8v3.5a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2H8"/><path d="m7 9 .4-2 5-5 1.6 1.6-5 5Z"/>`),
  open: icon(svg`<path d="m4 6 4 4 4-4"/>`),
  settings: icon(svg`<path d="M2.5 5h6M12.5 5h1M2.5 11h1M7.5 11h6"/><circle cx="10.5" cy="5" r="1.8"/><circle cx="5.5" cy="11" r="1.8"/>`),
  file: icon(svg`<path d="M9 2.5H5a1.5 1.5 0 0 0-1.5 1.5v8A1.5 1.5 0 0 0 5 13.5h6a1.5 1.5 0 0 0 1.5-1.5V6Z"/><path d="M9 2.5V6h3.5"/>`),
  folder: icon(svg`<path d="M2.5 5V12a1.5 1.5 0 0 0 1.5 1.5h8a1.5 1.5 0 0 0 1.5-1.5V6.5A1.5 1.5 0 0 0 12 5H8L6.5 3H4a1.5 1.5 0 0 0-1.5 1.5Z"/>`),
} as const;
