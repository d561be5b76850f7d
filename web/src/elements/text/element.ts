import { type TemplateResult, html, nothing } from "lit";

import type { ReaderTask } from "../../engine/index.js";
import { loadingView, runsInShort } from "../chat-views.js";
import type { Wanted } from "../conversation.js";
import { ICONS } from "../icons.js";
import { ModelElement } from "../model-element.js";
import { threeDigits } from "../numbers.js";
import { tabsView } from "../tabs.js";
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
export class DynastyText extends ModelElement {
  static override styles = [theme, ...textStyle];

  static override properties = {
    task: { type: String, reflect: true },
  };

  declare task: ReaderTask;

  private readonly desk = new Desk(() => this.requestUpdate());
  private copied = false;
  /** What people wrote, by task; the example until then. */
  private readonly written = new Map<ReaderTask, string>();
  private question: string | undefined;
  private readonly languages = { source: "", target: "" };
  private beams: number | undefined;

  constructor() {
    super();
    this.task = "fill_mask";
  }

  protected override get work(): Desk {
    return this.desk;
  }

  protected override get loadedName(): string | undefined {
    return this.desk.model?.about.info.name;
  }

  protected override render(): TemplateResult {
    const { model: reader } = this.desk;
    const runs = reader ? html`<span class="soft">${runsInShort(this.speech, { ...reader.about, ...reader.about.info })}</span>` : nothing;
    return html`${this.bar(runs)}
      ${tabsView(this.speech.texts.title, TASKS.map((task) => [task, this.voice.words.tasks[task].name] as const), this.task, (task) => (this.task = task))}
      <main id="panel" role="tabpanel">${this.body()}</main>
      ${this.drops()}`;
  }

  private get voice(): Voice {
    return { words: WORDS[this.language] ?? WORDS.en, language: this.language };
  }

  private body(): TemplateResult {
    const { desk, speech } = this;
    const { words } = this.voice;
    if (desk.loading) return loadingView(speech, desk.loading, () => desk.stop());
    const task = desk.model?.about.tasks[0];
    if (!desk.model || this.picking || !desk.model.about.tasks.includes(this.task)) {
      const about = words.tasks[this.task];
      const fitting = this.offered.filter((model) => fits(model.task, this.task));
      const note = desk.model && !this.picking ? html`<p class="soft">${task ? words.otherTask(words.tasks[task].name) : words.noTask}</p>` : nothing;
      return this.startPage(fitting, note, { title: about.name, lead: about.lead });
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
    const { result, model: reader } = this.desk;
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

  /** The text of the panel. */
  private get text(): string {
    const mask = this.desk.model?.about.mask ?? "[MASK]";
    return this.written.get(this.task) ?? this.voice.words.tasks[this.task].example.replaceAll("[MASK]", mask);
  }

  private get asked(): string {
    return this.question ?? this.voice.words.exampleQuestion;
  }

  protected override async load(wanted: Wanted): Promise<void> {
    await super.load(wanted);
    const tasks = this.desk.model?.about.tasks ?? [];
    if (tasks[0] !== undefined && !tasks.includes(this.task)) this.task = tasks[0];
  }

  private async run(): Promise<void> {
    await this.desk.ask({ task: this.task, text: this.text, question: this.asked, ...this.languages, beams: this.beams });
  }

  private async copy(): Promise<void> {
    const { result } = this.desk;
    if (!result) return;
    await navigator.clipboard.writeText(JSON.stringify({ ...result.question, ...result.found, tokens: result.tokens }, undefined, 2)).catch(() => undefined);
    this.change(() => (this.copied = true));
    setTimeout(() => this.change(() => (this.copied = false)), 1500);
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
}

customElements.define("dynasty-text", DynastyText);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-text": DynastyText;
  }
}
