import { type PropertyValues, type TemplateResult, html, nothing } from "lit";

import { loadingView, runsInShort } from "../chat-views.js";
import type { Wanted } from "../conversation.js";
import { ICONS } from "../icons.js";
import type { LocalModel } from "../models.js";
import { threeDigits } from "../numbers.js";
import { PictureElement, placeOf } from "../picture-element.js";
import { type Shown, sampleFiles } from "../pictures.js";
import { tabsView } from "../tabs.js";
import { theme } from "../theme.js";
import { Eye, type Panel } from "./eye.js";
import { drawHeat, patchAt, patchBeside } from "./heat.js";
import "./pad.js";
import { digitPicture } from "./pad.js";
import { seeStyle } from "./style.js";
import { type Voice, attentionView, classesView, fitsView, galleryView } from "./views.js";
import { WORDS } from "./words.js";

/** In the order of the tabs. */
export const PANELS: readonly Panel[] = ["classify", "match", "search"];

/** What the list calls the tasks of models that a panel can use, the best first. */
const TASKS: Readonly<Record<Panel, readonly string[]>> = { classify: ["classify_image", "embed_image"], match: ["match"], search: ["match"] };

/** The digit that the default model is shown first. */
const FIRST_DIGIT = 5;

/** The sentence around a label. */
const TEMPLATE = "a photo of a {}";

/**
 * What models see in pictures: classes and where they look, labels of one's own, a search through pictures.
 *
 * Attributes: `model` (a name of the list, or an address), `models` (the list's address), `panel`, `picture` (an
 * address), `device`, `threads`, `language`. `data-state` tells what it is doing. The slot `brand` stands before the
 * model's name.
 */
export class DynastySee extends PictureElement {
  static override styles = [theme, ...seeStyle];

  static override properties = {
    panel: { type: String, reflect: true },
  };

  declare panel: Panel;

  private readonly eye = new Eye(() => this.requestUpdate());
  private heat = true;
  /** Whether the model is the default one of the list. */
  private own = false;
  /** What people wrote; the examples until then. */
  private labels: string | undefined;
  private template = TEMPLATE;
  private query = "";
  /** What the canvas shows. */
  private canvas: HTMLCanvasElement | undefined;
  private shown: Shown | undefined;

  constructor() {
    super();
    this.panel = "classify";
  }

  protected override get work(): Eye {
    return this.eye;
  }

  protected override get loadedName(): string | undefined {
    return this.eye.model?.about.info.name;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    this.draw();
  }

  protected override render(): TemplateResult {
    const { model } = this.eye;
    const { words } = this.voice;
    const runs = model ? html`<span class="soft runs">${runsInShort(this.speech, { ...model.about, ...model.about.info })}</span>` : nothing;
    return html`${this.bar(runs)}
      ${tabsView(this.speech.texts.title, PANELS.map((panel) => [panel, words.panels[panel].name] as const), this.panel, (panel) => (this.panel = panel))}
      <main id="panel" role="tabpanel">${this.body()}</main>
      ${this.drops()}`;
  }

  private get voice(): Voice {
    return { words: WORDS[this.language] ?? WORDS.en, language: this.language, cancel: this.speech.texts.cancel };
  }

  private body(): TemplateResult {
    const { eye, speech, panel } = this;
    const { words } = this.voice;
    const { name, lead } = words.panels[panel];
    if (eye.loading) return loadingView(speech, eye.loading, () => eye.stop());
    const fits = panel === "classify" ? eye.viewer : eye.matcher;
    if (!fits || this.picking) {
      const note = eye.model && !this.picking ? html`<p class="soft">${words.otherModel}</p>` : nothing;
      return this.startPage(this.fitting(panel), note, { title: name, lead });
    }
    if (panel === "search") return this.search();
    return eye.picture ? this.workbench(panel) : this.pictureStart(name, lead);
  }

  protected override preset(): LocalModel | undefined {
    return this.panel === "classify" ? this.fitting("classify").find(({ default: first }) => first) : undefined;
  }

  /** The default model reads digits. */
  protected override async showSample(): Promise<void> {
    if (this.own && !this.sample) await this.show(await digitPicture(FIRST_DIGIT));
    else await super.showSample();
  }

  /** The models of the list that a panel can use. */
  private fitting(panel: Panel): readonly LocalModel[] {
    return TASKS[panel].flatMap((wanted) => this.offered.filter(({ task }) => task === wanted));
  }

  private workbench(panel: "classify" | "match"): TemplateResult {
    const { eye, voice } = this;
    const { width = 1, height = 1 } = eye.picture?.bitmap ?? {};
    const points = panel === "classify" && eye.attention !== undefined;
    return html`<div class="studio">
      <div class="stage" style="width:min(100%, calc((100dvh - 11rem) * ${width / height}))">
        <canvas class="picture" tabindex=${points ? 0 : -1} role="img" aria-label=${points ? voice.words.picture : (eye.picture?.name ?? "")}
          @pointermove=${this.onPoint} @pointerdown=${this.onPoint} @pointerleave=${this.onLeave} @keydown=${this.onKey}></canvas>
        <canvas class="heat-layer" aria-hidden="true"></canvas>
        ${eye.state === "looking" ? html`<div class="busy" role="status">${voice.words.looking}<progress></progress></div>` : nothing}
      </div>
      <div class="tools">
        ${this.alert()}
        ${panel === "classify" ? this.classifyTools() : this.matchTools()}
        <button class="button quiet" @click=${() => this.openDialog("photo")}>${ICONS.file}${this.pictureWords.otherPicture}</button>
      </div>
    </div>`;
  }

  private classifyTools(): TemplateResult {
    const { eye, voice } = this;
    const { words } = voice;
    const onWritten = (event: CustomEvent<Shown>): void => void eye.show(event.detail);
    const pad = html`<section><h2>${words.write}</h2>
      <dynasty-pad label=${words.write} clear=${words.wipe} @written=${onWritten}></dynasty-pad>
      <p class="soft">${words.writeHint}</p></section>`;
    const took = eye.milliseconds === undefined ? nothing : html`<p class="soft">${words.took(threeDigits(eye.milliseconds, this.language))}</p>`;
    return html`${eye.digits ? pad : nothing}${classesView(voice, eye)}${took}${attentionView(voice, eye, this.heat, (shown) => this.change(() => (this.heat = shown)))}`;
  }

  private matchTools(): TemplateResult {
    const { eye, voice } = this;
    const { words } = voice;
    const labels = this.labels ?? words.exampleLabels;
    return html`<form class="match" @submit=${this.onMatch}>
        <label>${words.labels}<textarea name="labels" rows="5" .value=${labels} @keydown=${this.onEnter}
          @input=${(event: Event) => this.change(() => (this.labels = (event.target as HTMLTextAreaElement).value))}></textarea></label>
        <label>${words.template}<input name="template" .value=${this.template} @input=${(event: Event) => (this.template = (event.target as HTMLInputElement).value)} /></label>
        <div class="row"><button class="button primary" ?disabled=${labels.trim() === "" || eye.state === "looking"}>${words.compare}</button></div>
      </form>
      ${fitsView(voice, eye)}`;
  }

  private search(): TemplateResult {
    const { eye, voice } = this;
    const { words } = voice;
    return html`<div class="search">
      ${this.alert()}
      <form @submit=${this.onSearch}>
        <label>${words.query}<input name="query" .value=${this.query} placeholder=${words.queryHint} @input=${(event: Event) => this.change(() => (this.query = (event.target as HTMLInputElement).value))} /></label>
        <button class="button primary" ?disabled=${this.query.trim() === "" || eye.kept.length === 0 || eye.state === "collecting"}>${words.find}</button>
      </form>
      <div class="row">
        <button class="button" @click=${() => this.openDialog("photo")}>${ICONS.file}${words.add}</button>
        ${eye.kept.length === 0
          ? html`<button class="button" @click=${() => void sampleFiles().then((files) => eye.add(files))}>${words.addSamples}</button><span class="soft">${words.empty}</span>`
          : html`<button class="button quiet" @click=${() => eye.clear()}>${words.clear}</button>`}
      </div>
      ${eye.kept.length === 0 ? nothing : galleryView(voice, eye)}
    </div>`;
  }

  private draw(): void {
    const { picture, attention, weights, aim } = this.eye;
    const canvas = this.renderRoot.querySelector<HTMLCanvasElement>(".picture") ?? undefined;
    const layer = this.renderRoot.querySelector<HTMLCanvasElement>(".heat-layer");
    if (!picture || !canvas || !layer) return;
    const { width, height } = picture.bitmap;
    if (this.canvas !== canvas || this.shown !== picture) {
      [this.canvas, this.shown] = [canvas, picture];
      for (const one of [canvas, layer]) [one.width, one.height] = [width, height];
      canvas.getContext("2d")?.drawImage(picture.bitmap, 0, 0);
    }
    if (this.panel === "classify" && this.heat && attention && weights) drawHeat(layer, attention, weights, aim.patch);
    else layer.getContext("2d")?.clearRect(0, 0, width, height);
  }

  protected override async load(wanted: Wanted): Promise<void> {
    this.eye.panel = this.panel;
    this.own = wanted.source === this.preset()?.url;
    await super.load(wanted);
    // The default model has something to look at from the start.
    if (this.own && this.eye.viewer && !this.eye.picture && !this.picture) await this.showSample();
  }

  protected override async show(picture: Shown): Promise<void> {
    await this.eye.show(picture);
  }

  protected override refuse(reason: string): void {
    this.eye.refuse(reason);
  }

  protected override async showFiles(files: readonly File[]): Promise<void> {
    if (this.panel === "search") await this.eye.add(files);
    else await super.showFiles(files);
  }

  /** Shows where a patch looks. */
  private look(patch: number | undefined): void {
    const { eye } = this;
    if (this.panel !== "classify" || !eye.attention || patch === eye.aim.patch) return;
    const { patch: _, ...rest } = eye.aim;
    eye.attend(patch === undefined ? rest : { ...rest, patch });
  }

  private readonly onPoint = (event: PointerEvent): void => {
    if (this.eye.attention) this.look(patchAt(this.eye.attention, placeOf(event)));
  };

  /** A finger that is lifted leaves what it pointed at. */
  private readonly onLeave = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") this.look(undefined);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const { attention, aim } = this.eye;
    if (!attention) return;
    const beside = patchBeside(attention, aim.patch, event.key);
    if (beside === undefined && event.key !== "Escape") return;
    event.preventDefault();
    this.look(beside);
  };

  private readonly onMatch = (event: SubmitEvent): void => {
    event.preventDefault();
    this.match();
  };

  /** Control or Command with Enter compares. */
  private readonly onEnter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.match();
  };

  private match(): void {
    const lines = (this.labels ?? this.voice.words.exampleLabels).split("\n").map((line) => line.trim());
    void this.eye.match(lines.filter((line) => line !== ""), this.template.includes("{}") ? this.template : "{}");
  }

  private readonly onSearch = (event: SubmitEvent): void => {
    event.preventDefault();
    void this.eye.search(this.query);
  };
}

customElements.define("dynasty-see", DynastySee);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-see": DynastySee;
  }
}
