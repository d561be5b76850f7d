import { LitElement, type PropertyDeclarations, type PropertyValues, type TemplateResult, html, nothing } from "lit";

import type { DeviceChoice, DynastyError, DynastyOptions } from "../engine/index.js";
import { type Speech, errorView, startView } from "./chat-views.js";
import type { Loading, Wanted } from "./conversation.js";
import { nameOf, readChosen, readDrop } from "./dropped.js";
import { ICONS } from "./icons.js";
import { type LocalModel, fetchModels } from "./models.js";
import { type Language, TEXTS, chooseLanguage } from "./texts.js";

type View = TemplateResult | typeof nothing;

/** What an element shows: a model at work, without how it looks. */
export interface Work {
  readonly state: string;
  readonly loading: Loading | undefined;
  readonly failure: DynastyError | undefined;
  load(wanted: Wanted, options: DynastyOptions): Promise<void>;
  reload(options: DynastyOptions): Promise<void>;
  dismiss(): void;
  dispose(): void;
}

/** Every element with a model: how it is picked, dropped, opened and named, and the language of it all. */
export abstract class ModelElement extends LitElement {
  static override properties: PropertyDeclarations = {
    model: { type: String },
    models: { type: String },
    device: { type: String },
    threads: { type: Number },
    language: { type: String, reflect: true },
  };

  declare model: string | undefined;
  declare models: string;
  declare device: DeviceChoice;
  declare threads: number | undefined;
  declare language: Language;
  /** Starts another worker than the package's own. */
  connect: DynastyOptions["connect"];

  protected offered: readonly LocalModel[] = [];
  protected picking = false;
  private dragging = false;

  constructor() {
    super();
    this.models = "models.json";
    this.device = "auto";
    this.language = chooseLanguage(globalThis.navigator?.languages ?? []);
  }

  /** What is shown. */
  protected abstract readonly work: Work;
  /** The name of the model that is loaded. */
  protected abstract readonly loadedName: string | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.dataset["state"] = this.work.state;
    this.addEventListener("dragover", this.onDragOver);
    this.addEventListener("dragleave", this.onDragLeave);
    this.addEventListener("drop", this.onDrop);
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.work.dispose();
  }

  protected override updated(_changed: PropertyValues<this>): void {
    this.dataset["state"] = this.work.state;
    this.lang = this.language === "zh" ? "zh-Hans" : "en";
  }

  protected get speech(): Speech {
    return { texts: TEXTS[this.language] ?? TEXTS.en, language: this.language };
  }

  /** Brand, model and language, with `more` between them. */
  protected bar(more: View): TemplateResult {
    const { texts } = this.speech;
    const name = this.work.loading?.name ?? this.loadedName;
    const other: Language = this.language === "zh" ? "en" : "zh";
    const pick = (): void => this.change(() => (this.picking = !this.picking && this.work.state !== "loading"));
    return html`<header class="bar">
      <slot name="brand"></slot>
      ${name === undefined
        ? nothing
        : html`<button class="button quiet model-name" @click=${pick} title=${texts.changeModel} aria-expanded=${this.picking}><span>${name}</span>${ICONS.open}</button>`}
      <span class="grow"></span>
      ${more}
      <button class="button quiet" lang=${other === "zh" ? "zh-Hans" : "en"} @click=${() => this.setLanguage(other)}>${texts.otherLanguage}</button>
    </header>`;
  }

  /** The models to choose from, under what went wrong and `note`. */
  protected startPage(fitting: readonly LocalModel[], note: View, heading?: { readonly title: string; readonly lead: string }): TemplateResult {
    const act = {
      choose: (model: LocalModel) => void this.load({ name: model.name, source: model.url }),
      openFile: () => this.openDialog("file"),
      openFolder: () => this.openDialog("folder"),
    };
    return startView(this.speech, fitting, html`${this.alert()}${note}`, act, heading);
  }

  /** What went wrong. */
  protected alert(): View {
    const { work, loadedName } = this;
    if (!work.failure) return nothing;
    return errorView(this.speech, work.failure, {
      retry: loadedName === undefined ? () => void work.reload(this.engineOptions()) : undefined,
      choose: () => this.change(() => (work.dismiss(), (this.picking = loadedName !== undefined))),
      dismiss: () => work.dismiss(),
    });
  }

  /** The hidden file fields, and what is seen while something is dragged. */
  protected drops(): TemplateResult {
    return html`<input class="file" type="file" multiple hidden @change=${this.onChosen} />
      <input class="folder" type="file" webkitdirectory hidden @change=${this.onChosen} />
      ${this.dragging ? html`<div class="veil">${this.speech.texts.dropNow}</div>` : nothing}`;
  }

  /** Fetches the list of models, and the model that the attribute names. */
  protected async begin(): Promise<void> {
    this.offered = await fetchModels(new URL(this.models, document.baseURI).href);
    this.requestUpdate();
    const { model } = this;
    const found = model ? this.offered.find(({ name }) => name === model) : this.preset();
    const source = found?.url ?? model;
    if (!source || this.work.state !== "idle") return;
    await this.load({ name: found?.name ?? nameOf(source), source });
  }

  /** The model that is loaded where the attribute names none. */
  protected preset(): LocalModel | undefined {
    return undefined;
  }

  protected async load(wanted: Wanted): Promise<void> {
    this.picking = false;
    await this.work.load(wanted, this.engineOptions());
  }

  protected engineOptions(): DynastyOptions {
    return { device: this.device, threads: finite(this.threads), connect: this.connect };
  }

  protected change(change: () => void): void {
    change();
    this.requestUpdate();
  }

  protected openDialog(kind: string): void {
    this.renderRoot.querySelector<HTMLInputElement>(`input.${kind}`)?.click();
  }

  /** Takes files that are no model; whether it did. */
  protected take(_files: readonly File[]): boolean {
    return false;
  }

  private setLanguage(language: Language): void {
    this.language = language;
    this.dispatchEvent(new CustomEvent("languagechange", { detail: language, bubbles: true, composed: true }));
  }

  protected readonly onChosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const wanted = this.take([...(input.files ?? [])]) ? undefined : readChosen(input.files);
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
    if (!event.dataTransfer || this.take([...event.dataTransfer.files])) return;
    void readDrop(event.dataTransfer).then((wanted) => wanted && this.load(wanted));
  };
}

/** A number, if it is one. */
export function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
