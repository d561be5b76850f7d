import { LitElement, type PropertyValues, type TemplateResult, html, nothing } from "lit";

import type { DeviceChoice, DynastyOptions } from "../engine/index.js";
import { chatStyle } from "./chat-style.js";
import { completionNotice, errorView, loadingView, runsInShort, runsPanel, settingsPanel, startView, turnView } from "./chat-views.js";
import type { Speech } from "./chat-views.js";
import { Conversation, type Turn, type Wanted } from "./conversation.js";
import { nameOf, readChosen, readDrop } from "./dropped.js";
import { ICONS } from "./icons.js";
import { type LocalModel, fetchModels } from "./models.js";
import { type Language, TEXTS, chooseLanguage } from "./texts.js";
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
export class DynastyChat extends LitElement {
  static override styles = [theme, ...chatStyle];

  static override properties = {
    model: { type: String },
    models: { type: String },
    device: { type: String },
    threads: { type: Number },
    temperature: { type: Number },
    maxTokens: { type: Number, attribute: "max-tokens" },
    language: { type: String, reflect: true },
  };

  declare model: string | undefined;
  declare models: string;
  declare device: DeviceChoice;
  declare threads: number | undefined;
  declare temperature: number | undefined;
  declare maxTokens: number | undefined;
  declare language: Language;
  /** Starts another worker than the package's own. */
  connect: DynastyOptions["connect"];

  private readonly chat = new Conversation(() => this.requestUpdate());
  private offered: readonly LocalModel[] = [];
  private picking = false;
  private panel: Panel;
  private copied: Turn | undefined;
  private dragging = false;
  private following = true;

  constructor() {
    super();
    this.models = "models.json";
    this.device = "auto";
    this.language = chooseLanguage(globalThis.navigator?.languages ?? []);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.dataset["state"] = this.chat.state;
    this.addEventListener("dragover", this.onDragOver);
    this.addEventListener("dragleave", this.onDragLeave);
    this.addEventListener("drop", this.onDrop);
    this.addEventListener("keydown", this.onKeyDown);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.chat.dispose();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("temperature")) this.chat.drawing.temperature = finite(this.temperature);
    if (changed.has("maxTokens")) this.chat.drawing.maxTokens = finite(this.maxTokens);
    const scroller = this.renderRoot?.querySelector("main");
    if (scroller) this.following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
  }

  protected override updated(): void {
    this.dataset["state"] = this.chat.state;
    this.lang = this.language === "zh" ? "zh-Hans" : "en";
    const scroller = this.renderRoot.querySelector("main");
    if (scroller && this.following && this.chat.turns.length > 0) scroller.scrollTop = scroller.scrollHeight;
  }

  protected override render(): TemplateResult {
    return html`${this.bar()}
      <main>${this.body()}</main>
      ${this.composer()} ${this.dragging ? html`<div class="veil">${this.speech.texts.dropNow}</div>` : nothing}`;
  }

  private get speech(): Speech {
    return { texts: TEXTS[this.language] ?? TEXTS.en, language: this.language };
  }

  private bar(): TemplateResult {
    const { texts } = this.speech;
    const name = this.chat.loading?.name ?? this.chat.model?.info.name;
    const other: Language = this.language === "zh" ? "en" : "zh";
    const pick = (): void => this.change(() => (this.picking = !this.picking && this.chat.state !== "loading"));
    return html`<header class="bar">
      <slot name="brand"></slot>
      ${name === undefined
        ? nothing
        : html`<button class="button quiet model-name" @click=${pick} title=${texts.changeModel} aria-expanded=${this.picking}><span>${name}</span>${ICONS.open}</button>`}
      <span class="grow"></span>
      ${this.chat.model
        ? html`<button class="button quiet" aria-label=${texts.newChat} @click=${() => this.newChat()}>${ICONS.fresh}<span class="wide">${texts.newChat}</span></button>`
        : nothing}
      <button class="button quiet" lang=${other === "zh" ? "zh-Hans" : "en"} @click=${() => this.setLanguage(other)}>${texts.otherLanguage}</button>
    </header>`;
  }

  private body(): TemplateResult {
    const { chat, speech } = this;
    if (chat.loading) return loadingView(speech, chat.loading, () => chat.stop());
    if (!chat.model || this.picking) return this.start();
    return html`<div class="column log">
      ${completionNotice(speech, chat)}
      ${chat.turns.length === 0 && !chat.failure ? html`<p class="welcome">${speech.texts.readyTitle}</p>` : nothing}
      <div class="log" role="log" aria-live="polite" aria-label=${speech.texts.conversation} aria-busy=${chat.state === "generating"}>${this.turns()}</div>
      ${chat.failure ? this.alert() : nothing}
    </div>`;
  }

  private start(): TemplateResult {
    const writing = this.offered.filter(({ task }) => task === "generate");
    return startView(this.speech, writing, this.alert(), {
      choose: (model) => void this.load({ name: model.name, source: model.url }),
      openFile: () => this.openDialog("file"),
      openFolder: () => this.openDialog("folder"),
    });
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

  private alert(): TemplateResult | typeof nothing {
    const { chat } = this;
    if (!chat.failure) return nothing;
    return errorView(this.speech, chat.failure, {
      retry: chat.model ? undefined : () => void chat.reload(this.engineOptions()),
      choose: () => this.change(() => (chat.dismiss(), (this.picking = chat.model !== undefined))),
      dismiss: () => chat.dismiss(),
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
      <input class="file" type="file" multiple hidden @change=${this.onChosen} />
      <input class="folder" type="file" webkitdirectory hidden @change=${this.onChosen} />
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
  private async begin(): Promise<void> {
    await this.updateComplete;
    const list = fetchModels(new URL(this.models, document.baseURI).href).then((models) => this.change(() => (this.offered = models)));
    const { model } = this;
    if (model) this.chat.expect(nameOf(model));
    await list;
    const found = this.offered.find((offered) => (model ? offered.name === model : offered.default));
    // Somebody may have chosen another model while the list came.
    if (!model && (!found || this.chat.state !== "idle")) return;
    await this.load({ name: found?.name ?? nameOf(model ?? ""), source: found?.url ?? model ?? "" });
  }

  private async load(wanted: Wanted): Promise<void> {
    this.picking = false;
    await this.chat.load(wanted, this.engineOptions());
    this.field?.focus({ preventScroll: true });
  }

  private engineOptions(): DynastyOptions {
    return { device: this.device, threads: finite(this.threads), connect: this.connect };
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

  private setLanguage(language: Language): void {
    this.language = language;
    this.dispatchEvent(new CustomEvent("languagechange", { detail: language, bubbles: true, composed: true }));
  }

  private toggle(panel: Panel): void {
    this.change(() => (this.panel = this.panel === panel ? undefined : panel));
  }

  private change(change: () => void): void {
    change();
    this.requestUpdate();
  }

  private get field(): HTMLTextAreaElement | null {
    return this.renderRoot.querySelector("textarea");
  }

  private openDialog(kind: "file" | "folder"): void {
    this.renderRoot.querySelector<HTMLInputElement>(`input.${kind}`)?.click();
  }

  private readonly onChosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const wanted = readChosen(input.files);
    if (wanted) void this.load(wanted);
    input.value = "";
  };

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

  private readonly onDragOver = (event: DragEvent): void => {
    event.preventDefault();
    if (!this.dragging) this.change(() => (this.dragging = true));
  };

  private readonly onDragLeave = (event: DragEvent): void => {
    if (event.relatedTarget === null) this.change(() => (this.dragging = false));
  };

  private readonly onDrop = (event: DragEvent): void => {
    event.preventDefault();
    this.change(() => (this.dragging = false));
    if (!event.dataTransfer) return;
    void readDrop(event.dataTransfer).then((wanted) => wanted && this.load(wanted));
  };
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

customElements.define("dynasty-chat", DynastyChat);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-chat": DynastyChat;
  }
}
