import { LitElement, type PropertyValues, type TemplateResult, html, nothing } from "lit";

import type { DeviceChoice, DynastyOptions, ReaderTask } from "../../engine/index.js";
import { type Speech, errorView, loadingView, runsInShort, startView } from "../chat-views.js";
import type { Wanted } from "../conversation.js";
import { nameOf, readChosen, readDrop } from "../dropped.js";
import { ICONS } from "../icons.js";
import { type LocalModel, fetchModels } from "../models.js";
import { threeDigits } from "../numbers.js";
import { type Language, TEXTS, chooseLanguage } from "../texts.js";
import { theme } from "../theme.js";
import { Desk } from "./desk.js";
import { textStyle } from "./style.js";
import { type Voice, resultView, tokensView, writtenView } from "./views.js";
import { WORDS } from "./words.js";

/** In the order of the tabs. */
export const TASKS: readonly ReaderTask[] = ["fill_mask", "embed", "classify", "entities", "answer", "translate", "summarize"];

/** The tasks of a model whose entry in the list names this one. */
const fits = (listed: string, task: ReaderTask): boolean => listed === task || (listed === "translate" && task === "summarize");

/**
 * What encoders do with texts, one panel a task.
 *
 * Attributes: `model` (a name of the list, or an address), `models` (the list's address), `task`, `device`, `threads`,
 * `language`. `data-state` tells what it is doing. The slot `brand` stands before the model's name.
 */
export class DynastyText extends LitElement {
  static override styles = [theme, ...textStyle];

  static override properties = {
    model: { type: String },
    models: { type: String },
    task: { type: String, reflect: true },
    device: { type: String },
    threads: { type: Number },
    language: { type: String, reflect: true },
  };

  declare model: string | undefined;
  declare models: string;
  declare task: ReaderTask;
  declare device: DeviceChoice;
  declare threads: number | undefined;
  declare language: Language;

  private readonly desk = new Desk(() => this.onDesk());
  private offered: readonly LocalModel[] = [];
  private picking = false;
  private dragging = false;
  private copied = false;
  /** What people wrote, by task; the example until then. */
  private readonly written = new Map<ReaderTask, string>();
  private question: string | undefined;
  private readonly languages = { source: "", target: "" };
  private beams: number | undefined;

  constructor() {
    super();
    this.models = "models.json";
    this.task = "fill_mask";
    this.device = "auto";
    this.language = chooseLanguage(globalThis.navigator?.languages ?? []);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.dataset["state"] = this.desk.state;
    this.addEventListener("dragover", this.onDragOver);
    this.addEventListener("dragleave", this.onDragLeave);
    this.addEventListener("drop", this.onDrop);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.desk.dispose();
  }

  protected override updated(_changed: PropertyValues<this>): void {
    this.dataset["state"] = this.desk.state;
    this.lang = this.language === "zh" ? "zh-Hans" : "en";
  }

  protected override render(): TemplateResult {
    return html`${this.bar()}
      <nav class="tasks" role="tablist" aria-label=${this.speech.texts.title}>${TASKS.map((task) => this.tab(task))}</nav>
      <main id="panel" role="tabpanel">${this.body()}</main>
      <input class="file" type="file" multiple hidden @change=${this.onChosen} />
      <input class="folder" type="file" webkitdirectory hidden @change=${this.onChosen} />
      ${this.dragging ? html`<div class="veil">${this.speech.texts.dropNow}</div>` : nothing}`;
  }

  private get speech(): Speech {
    return { texts: TEXTS[this.language] ?? TEXTS.en, language: this.language };
  }

  private get voice(): Voice {
    return { words: WORDS[this.language] ?? WORDS.en, language: this.language };
  }

  private bar(): TemplateResult {
    const { texts } = this.speech;
    const { loading, reader } = this.desk;
    const name = loading?.name ?? reader?.about.info.name;
    const other: Language = this.language === "zh" ? "en" : "zh";
    const pick = (): void => this.change(() => (this.picking = !this.picking && this.desk.state !== "loading"));
    return html`<header class="bar">
      <slot name="brand"></slot>
      ${name === undefined
        ? nothing
        : html`<button class="button quiet model-name" @click=${pick} title=${texts.changeModel} aria-expanded=${this.picking}><span>${name}</span>${ICONS.open}</button>`}
      <span class="grow"></span>
      ${reader ? html`<span class="soft">${runsInShort(this.speech, { ...reader.about, ...reader.about.info })}</span>` : nothing}
      <button class="button quiet" lang=${other === "zh" ? "zh-Hans" : "en"} @click=${() => this.setLanguage(other)}>${texts.otherLanguage}</button>
    </header>`;
  }

  private tab(task: ReaderTask): TemplateResult {
    const chosen = task === this.task;
    return html`<button role="tab" aria-selected=${chosen} aria-controls="panel" tabindex=${chosen ? 0 : -1} @click=${() => (this.task = task)} @keydown=${this.onTabKey}>
      ${this.voice.words.tasks[task].name}
    </button>`;
  }

  private body(): TemplateResult {
    const { desk, speech } = this;
    const { words } = this.voice;
    if (desk.loading) return loadingView(speech, desk.loading, () => desk.stop());
    const task = desk.reader?.about.tasks[0];
    if (!desk.reader || this.picking || !desk.reader.about.tasks.includes(this.task)) {
      const about = words.tasks[this.task];
      const fitting = this.offered.filter((model) => fits(model.task, this.task));
      const note = desk.reader && !this.picking ? html`<p class="soft">${task ? words.otherTask(words.tasks[task].name) : words.noTask}</p>` : nothing;
      const act = { choose: (model: LocalModel) => void this.load({ name: model.name, source: model.url }), openFile: () => this.openDialog("file"), openFolder: () => this.openDialog("folder") };
      return startView(speech, fitting, html`${this.alert()}${note}`, act, { title: about.name, lead: about.lead });
    }
    return this.panel();
  }

  private panel(): TemplateResult {
    const { words } = this.voice;
    const about = words.tasks[this.task];
    const running = this.desk.state === "running";
    const button = running
      ? html`<button class="button" @click=${() => this.desk.stop()}>${ICONS.stop}${this.speech.texts.stop}</button>`
      : html`<button class="button primary" ?disabled=${this.text.trim() === ""} @click=${() => void this.run()}>${words.run}</button>`;
    return html`<form class="column desk" @submit=${(event: Event) => event.preventDefault()}>
      ${this.alert()}
      <div><h1>${about.name}</h1><p class="soft">${about.lead}</p></div>
      ${this.task === "answer"
        ? html`<label>${words.question}<input name="question" .value=${this.asked} @input=${this.onQuestion} @keydown=${this.onEnter} /></label>`
        : nothing}
      ${this.task === "translate" ? this.languageFields() : nothing}
      <label>${about.field}<textarea rows="4" .value=${this.text} @input=${this.onText} @keydown=${this.onEnter}></textarea></label>
      <div class="row">${button}${this.task === "translate" || this.task === "summarize" ? this.beamsField() : nothing}<span class="soft" aria-live="polite">${running ? words.running : nothing}</span></div>
      ${running && this.desk.writing !== "" ? html`<section class="result" aria-busy="true">${writtenView(this.desk.writing)}</section>` : this.result()}
    </form>`;
  }

  private languageFields(): TemplateResult {
    const { words } = this.voice;
    const field = (label: string, of: "source" | "target"): TemplateResult => html`<label>${label}
      <input name=${of} placeholder=${words.languageHint} .value=${this.languages[of]} @input=${(event: Event) => (this.languages[of] = (event.target as HTMLInputElement).value.trim())} @keydown=${this.onEnter} />
    </label>`;
    return html`<div class="pair">${field(words.fromLanguage, "source")}${field(words.toLanguage, "target")}</div>`;
  }

  private beamsField(): TemplateResult {
    const { words } = this.voice;
    const set = (event: Event): void => {
      const value = (event.target as HTMLInputElement).valueAsNumber;
      this.beams = Number.isInteger(value) && value >= 1 ? value : undefined;
    };
    return html`<label class="beams">${words.beams}<input name="beams" type="number" min="1" max="16" placeholder=${words.languageHint} .value=${String(this.beams ?? "")} @input=${set} /></label>`;
  }

  private result(): TemplateResult | typeof nothing {
    const { result, reader } = this.desk;
    if (!reader || !result || result.question.task !== this.task) return nothing;
    const { words, language } = this.voice;
    const fill = (text: string): void => this.change(() => this.written.set(this.task, text));
    return html`<section class="result" aria-live="polite">
      <h2>${words.result} · ${words.took(threeDigits(result.milliseconds, language))}</h2>
      <div data-role="result">${resultView(this.voice, result, fill)}</div>
      ${tokensView(this.voice, result.tokens, result.question.text, reader.about.longest)}
      <div class="row">
        <button class="button quiet" type="button" @click=${() => void this.copy()}>${this.copied ? ICONS.done : ICONS.copy}${this.copied ? this.speech.texts.copied : words.copyJson}</button>
      </div>
    </section>`;
  }

  private alert(): TemplateResult | typeof nothing {
    const { desk } = this;
    if (!desk.failure) return nothing;
    return errorView(this.speech, desk.failure, {
      retry: desk.reader ? undefined : () => void desk.reload(this.engineOptions()),
      choose: () => this.change(() => (desk.dismiss(), (this.picking = desk.reader !== undefined))),
      dismiss: () => desk.dismiss(),
    });
  }

  /** The text of the panel. */
  private get text(): string {
    const mask = this.desk.reader?.about.mask ?? "[MASK]";
    return this.written.get(this.task) ?? this.voice.words.tasks[this.task].example.replaceAll("[MASK]", mask);
  }

  private get asked(): string {
    return this.question ?? this.voice.words.exampleQuestion;
  }

  private async begin(): Promise<void> {
    this.offered = await fetchModels(new URL(this.models, document.baseURI).href);
    this.requestUpdate();
    const { model } = this;
    if (!model || this.desk.state !== "idle") return;
    const found = this.offered.find(({ name }) => name === model);
    await this.load({ name: found?.name ?? nameOf(model), source: found?.url ?? model });
  }

  private async load(wanted: Wanted): Promise<void> {
    this.picking = false;
    await this.desk.load(wanted, this.engineOptions());
    const tasks = this.desk.reader?.about.tasks ?? [];
    if (tasks[0] !== undefined && !tasks.includes(this.task)) this.task = tasks[0];
  }

  private async run(): Promise<void> {
    await this.desk.ask({ task: this.task, text: this.text, question: this.asked, ...this.languages, beams: this.beams });
  }

  private engineOptions(): DynastyOptions {
    return { device: this.device, threads: Number.isFinite(this.threads) ? this.threads : undefined };
  }

  private async copy(): Promise<void> {
    const { result } = this.desk;
    if (!result) return;
    await navigator.clipboard.writeText(JSON.stringify({ ...result.question, ...result.found, tokens: result.tokens }, undefined, 2)).catch(() => undefined);
    this.change(() => (this.copied = true));
    setTimeout(() => this.change(() => (this.copied = false)), 1500);
  }

  private setLanguage(language: Language): void {
    this.language = language;
    this.dispatchEvent(new CustomEvent("languagechange", { detail: language, bubbles: true, composed: true }));
  }

  private onDesk(): void {
    this.requestUpdate();
  }

  private change(change: () => void): void {
    change();
    this.requestUpdate();
  }

  private openDialog(kind: "file" | "folder"): void {
    this.renderRoot.querySelector<HTMLInputElement>(`input.${kind}`)?.click();
  }

  private readonly onText = (event: Event): void => this.change(() => this.written.set(this.task, (event.target as HTMLTextAreaElement).value));

  private readonly onQuestion = (event: Event): void => this.change(() => (this.question = (event.target as HTMLInputElement).value));

  /** Enter runs; in a field of several lines with Control or Command. */
  private readonly onEnter = (event: KeyboardEvent): void => {
    const alone = event.target instanceof HTMLInputElement;
    if (event.key !== "Enter" || event.isComposing || !(alone || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void this.run();
  };

  private readonly onTabKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    this.task = TASKS[(TASKS.indexOf(this.task) + step + TASKS.length) % TASKS.length] ?? this.task;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus());
  };

  private readonly onChosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const wanted = readChosen(input.files);
    if (wanted) void this.load(wanted);
    input.value = "";
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

customElements.define("dynasty-text", DynastyText);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-text": DynastyText;
  }
}
