import { type TemplateResult, css, html } from "lit";

/** Tabs over an element with the id `panel`. Arrow keys go from one to the next. */
export function tabsView<Key extends string>(label: string, tabs: readonly (readonly [Key, string])[], chosen: Key, choose: (key: Key) => void): TemplateResult {
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const at = (tabs.findIndex(([key]) => key === chosen) + step + tabs.length) % tabs.length;
    const [next] = tabs[at] ?? [chosen];
    choose(next);
    const { parentElement } = event.currentTarget as HTMLElement;
    parentElement?.querySelectorAll<HTMLElement>('[role="tab"]')[at]?.focus();
  };
  const tab = ([key, name]: readonly [Key, string]): TemplateResult =>
    html`<button role="tab" aria-selected=${key === chosen} aria-controls="panel" tabindex=${key === chosen ? 0 : -1} @click=${() => choose(key)} @keydown=${onKey}>${name}</button>`;
  return html`<nav class="tasks" role="tablist" aria-label=${label}>${tabs.map(tab)}</nav>`;
}

/** How tabs look. */
export const tabsStyle = css`
  .tasks {
    display: flex;
    gap: 0.25rem;
    overflow-x: auto;
    padding: 0 clamp(0.6rem, 2vw, 1.25rem) 0.4rem;
    border-bottom: 1px solid var(--line);
  }

  .tasks button {
    padding: 0.35rem 0.85rem;
    border-radius: 999px;
    color: var(--soft);
    font-size: 0.9375rem;
    white-space: nowrap;
  }

  .tasks button[aria-selected="true"] {
    background: var(--tint);
    color: var(--ink);
    font-weight: 600;
  }
`;
