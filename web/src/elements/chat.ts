import { type PropertyValues, type TemplateResult, html, nothing } from "lit";

import { chatStyle } from "./chat-style.js";
import { completionNotice, loadingView, runsInShort, runsPanel, settingsPanel, turnView } from "./chat-views.js";
import { Conversation, type Turn, type Wanted } from "./conversation.js";
import { nameOf } from "./dropped.js";
import { ICONS } from "./icons.js";
import { ModelElement, finite } from "./model-element.js";
import { fetchModels } from "./models.js";
import { theme } from "./theme.js";

type Panel = "runs" | "settings" | undefined;

/** How near the end the reader must be for the page to follow the answer. */
const NEAR_END_PX = 80;

/**
 * A chat with a model that runs in the page.
 *
 * Attributes: `model` (a name of the list, or an address), `models` (the list's address), `device`, `threads`,
 * `temperature`, `max-tokens`, `language`. `data-state` tells what it is doing. The slot `brand` stands before the
 * model's name.
 */
export class DynastyChat extends ModelElement {
  static override styles = [theme, ...chatStyle];

  static override properties = {
    temperature: { type: Number },
    maxTokens: { type: Number, attribute: "max-tokens" },
  };

  declare temperature: number | undefined;
  declare maxTokens: number | undefined;

  private readonly chat = new Conversation(() => this.requestUpdate());
  private panel: Panel;
  private copied: Turn | undefined;
  private following = true;

  protected override get work(): Conversation {
    return this.chat;
  }

  protected override get loadedName(): string | undefined {
    return this.chat.model?.info.name;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.onKeyDown);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("temperature")) this.chat.drawing.temperature = finite(this.temperature);
    if (changed.has("maxTokens")) this.chat.drawing.maxTokens = finite(this.maxTokens);
    const scroller = this.renderRoot?.querySelector("main");
    if (scroller) this.following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const scroller = this.renderRoot.querySelector("main");
    if (scroller && this.following && this.chat.turns.length > 0) scroller.scrollTop = scroller.scrollHeight;
  }

  protected override render(): TemplateResult {
    const { texts } = this.speech;
    const fresh = html`<button class="button quiet" aria-label=${texts.newChat} @click=${() => this.newChat()}>${ICONS.fresh}<span class="wide">${texts.newChat}</span></button>`;
    return html`${this.bar(this.chat.model ? fresh : nothing)}
      <main>${this.body()}</main>
      ${this.composer()} ${this.drops()}`;
  }

  private body(): TemplateResult {
    const { chat, speech } = this;
    if (chat.loading) return loadingView(speech, chat.loading, () => chat.stop());
    if (!chat.model || this.picking) return this.startPage(this.offered.filter(({ task }) => task === "generate"), nothing);
    return html`<div class="column log">
      ${completionNotice(speech, chat)}
      ${chat.turns.length === 0 && !chat.failure ? html`<p class="welcome">${speech.texts.readyTitle}</p>` : nothing}
      <div class="log" role="log" aria-live="polite" aria-label=${speech.texts.conversation} aria-busy=${chat.state === "generating"}>${this.turns()}</div>
      ${this.alert()}
    </div>`;
  }

  private turns(): TemplateResult[] {
    const { chat, speech } = this;
    const { prefill } = chat;
    const waiting = prefill && prefill.done < prefill.total ? speech.texts.reading(String(prefill.done), String(prefill.total)) : speech.texts.thinking;
    return chat.turns.map((turn) => {
      const writing = chat.state === "generating" && turn === chat.turns.at(-1);
      return turnView(speech, turn, { writing, waiting, copied: this.copied === turn }, () => void this.copy(turn));
    });
  }

  private composer(): TemplateResult {
    const { chat, speech } = this;
    const { texts } = speech;
    const hint = !chat.model ? texts.noModelHint : chat.model.info.chat ? texts.messageHint : texts.promptHint;
    const button =
      chat.state === "generating"
        ? html`<button class="button primary" @click=${() => this.stop()}>${ICONS.stop}${texts.stop}</button>`
        : html`<button class="button primary" ?disabled=${!chat.canSend} @click=${() => void this.send()}>${ICONS.send}${texts.send}</button>`;
    return html`<footer>
      <div class="column">
        ${this.openPanel()}
        <div class="composer">
          <textarea rows="1" aria-label=${texts.message} placeholder=${hint} @keydown=${this.onEnter}></textarea>
          <div class="tools">
            ${this.runsButton()}
            <span class="grow"></span>
            <button class="button quiet" aria-label=${texts.settings} aria-expanded=${this.panel === "settings"} @click=${() => this.toggle("settings")}>${ICONS.settings}</button>
            ${button}
          </div>
        </div>
      </div>
    </footer>`;
  }

  private runsButton(): TemplateResult | typeof nothing {
    const info = this.chat.model?.info;
    if (!info) return nothing;
    return html`<button class="button quiet runs" title=${this.speech.texts.runsHere} aria-expanded=${this.panel === "runs"} @click=${() => this.toggle("runs")}>
      <i class="lamp"></i><span>${runsInShort(this.speech, info)}</span>
    </button>`;
  }

  private openPanel(): TemplateResult | typeof nothing {
    const info = this.chat.model?.info;
    if (this.panel === "runs" && info) return runsPanel(this.speech, this.chat, info);
    if (this.panel === "settings") return settingsPanel(this.speech, this.chat, () => this.requestUpdate());
    return nothing;
  }

  /** Fetches the list of models, and the model that the attribute names. */
  protected override async begin(): Promise<void> {
    await this.updateComplete;
    const list = fetchModels(new URL(this.models, document.baseURI).href).then((models) => this.change(() => (this.offered = models)));
    const { model } = this;
    if (model) this.chat.expect(nameOf(model));
    await list;
    const found = this.offered.find((offered) => (model ? offered.name === model : offered.default && offered.task === "generate"));
    // Somebody may have chosen another model while the list came.
    if (!model && (!found || this.chat.state !== "idle")) return;
    await this.load({ name: found?.name ?? nameOf(model ?? ""), source: found?.url ?? model ?? "" });
  }

  protected override async load(wanted: Wanted): Promise<void> {
    await super.load(wanted);
    this.field?.focus({ preventScroll: true });
  }

  private async send(): Promise<void> {
    const { field } = this;
    if (!field || !this.chat.canSend || field.value.trim() === "") return;
    const text = field.value;
    field.value = "";
    this.picking = false;
    this.following = true;
    await this.chat.send(text);
  }

  private stop(): void {
    this.chat.stop();
    this.field?.focus({ preventScroll: true });
  }

  private newChat(): void {
    this.picking = false;
    this.chat.newChat();
    this.field?.focus({ preventScroll: true });
  }

  private async copy(turn: Turn): Promise<void> {
    await navigator.clipboard.writeText(turn.text).catch(() => undefined);
    this.change(() => (this.copied = turn));
    setTimeout(() => this.change(() => (this.copied = undefined)), 1500);
  }

  private toggle(panel: Panel): void {
    this.change(() => (this.panel = this.panel === panel ? undefined : panel));
  }

  private get field(): HTMLTextAreaElement | null {
    return this.renderRoot.querySelector("textarea");
  }

  private readonly onEnter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.send();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (this.chat.state === "generating" || this.chat.state === "loading") this.stop();
    else if (this.panel) this.toggle(this.panel);
    else if (this.picking) this.change(() => (this.picking = false));
  };
}

customElements.define("dynasty-chat", DynastyChat);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-chat": DynastyChat;
  }
}
