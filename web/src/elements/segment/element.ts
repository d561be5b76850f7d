import { type PropertyValues, type TemplateResult, html, nothing } from "lit";

import type { FoundMask } from "../../engine/index.js";
import { type Bar, barsView } from "../bars.js";
import { loadingView, runsInShort } from "../chat-views.js";
import type { Wanted } from "../conversation.js";
import { nameOf } from "../dropped.js";
import { ICONS } from "../icons.js";
import type { LocalModel } from "../models.js";
import { showWhole, threeDigits } from "../numbers.js";
import { PictureElement } from "../picture-element.js";
import type { Shown } from "../pictures.js";
import { theme } from "../theme.js";
import { COLOURS, type Layer, drawMasks, drawPointed } from "./draw.js";
import { KINDS, type Kind, save } from "./export.js";
import { Pointing } from "./pointing.js";
import { type Finding, Studio } from "./studio.js";
import { segmentStyle } from "./style.js";
import { WORDS, type Words } from "./words.js";

/** How objects are looked for where nothing else is wished: with a grid of 16 by 16 points. */
const FINDING: Finding = { everything: { points_per_side: 16 } };
/** What is let through where nothing was certain enough. */
const UNCERTAIN = { pred_iou_thresh: 0.3, stability_score_thresh: 0.5 };

/**
 * Cutting objects out of a picture: click, drag a box, or look for everything.
 *
 * Attributes: `model` (a name of the list, or an address), `matcher` (the same, of what knows words), `models` (the list's
 * address), `picture` (an address), `device`, `threads`, `language`. `data-state` tells what it is doing. The slot `brand` stands before the model's name.
 */
export class DynastySegment extends PictureElement {
  static override styles = [theme, ...segmentStyle];

  static override properties = {
    matcher: { type: String },
  };

  declare matcher: string | undefined;
  /** How everything is looked for, and how well words must fit. */
  finding: Finding = FINDING;

  private readonly studio = new Studio(() => this.requestUpdate());
  private readonly pointing = new Pointing(this.studio, () => this.requestUpdate());
  /** The words that are looked for, and whether what knows them is being picked. */
  private text = "";
  private pickingMatcher = false;
  /** What the canvases show. */
  private canvas: HTMLCanvasElement | undefined;
  private shown: Shown | undefined;
  private drawn: readonly Layer[] = [];

  protected override get work(): Studio {
    return this.studio;
  }

  protected override get loadedName(): string | undefined {
    return this.studio.model?.about.info.name;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", this.onKeyDown);
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    this.draw();
  }

  protected override render(): TemplateResult {
    const { model: segmenter } = this.studio;
    const runs = segmenter ? html`<span class="soft">${runsInShort(this.speech, { ...segmenter.about, ...segmenter.about.info })}</span>` : nothing;
    return html`${this.bar(runs)}
      <main>${this.body()}</main>
      ${this.drops()}`;
  }

  protected override preset(): LocalModel | undefined {
    return this.offered.find(({ task, default: first }) => task === "segment" && first);
  }

  private get words(): Words {
    return WORDS[this.language] ?? WORDS.en;
  }

  private body(): TemplateResult {
    const { studio, speech, words } = this;
    if (studio.loading) return loadingView(speech, studio.loading, () => studio.stop());
    if (!studio.model || this.picking) {
      const fitting = this.offered.filter(({ task }) => task === "segment");
      return this.startPage(fitting, nothing, { title: words.title, lead: words.lead });
    }
    if (this.pickingMatcher) {
      const back = html`<div class="row"><button class="button quiet" @click=${() => this.change(() => (this.pickingMatcher = false))}>${words.back}</button></div>`;
      return this.startPage(this.offered.filter(({ task }) => task === "match"), back, { title: words.matcherTitle, lead: words.matcherLead });
    }
    return studio.picture ? this.workbench() : this.pictureStart(words.title, words.lead);
  }

  private workbench(): TemplateResult {
    const { words, studio, pointing } = this;
    const { width = 1, height = 1 } = studio.picture?.bitmap ?? {};
    return html`<div class="studio">
      <div class="stage" style="width:min(100%, calc((100dvh - 9rem) * ${width / height}))">
        <canvas class="picture" tabindex="0" role="img" aria-label=${words.picture} @pointerdown=${pointing.onDown} @pointermove=${pointing.onMove} @pointerup=${pointing.onUp}
          @pointercancel=${pointing.onCancel} @pointerleave=${pointing.onLeave} @keydown=${pointing.onKey} @blur=${pointing.onBlur} @contextmenu=${(event: Event) => event.preventDefault()}></canvas>
        <canvas class="masks-layer" aria-hidden="true"></canvas><canvas class="points-layer" aria-hidden="true"></canvas>
        ${studio.state === "looking" ? html`<div class="busy" role="status">${words.looking}<progress></progress></div>` : nothing} ${this.searchView()}
      </div>
      <div class="tools">${this.alert()}${this.tools()}</div>
    </div>`;
  }

  private searchView(): TemplateResult | typeof nothing {
    const { search } = this.studio;
    if (!search) return nothing;
    const whole = (n: number): string => showWhole(n, this.language);
    const [done, total] = [whole(search.done), whole(search.total)];
    const text = search.stage === "search" ? this.words.searching(done, total, whole(search.found)) : this.words.comparing(done, total);
    return html`<div class="busy" role="status">${text}<progress aria-label=${text} .value=${search.done / Math.max(1, search.total)}></progress></div>`;
  }

  /** Words to look for, and what knows them. */
  private wordsView(busy: boolean): TemplateResult {
    const { words, studio } = this;
    const name = studio.matcher?.about.info.name;
    return html`<form class="words" @submit=${this.onWords}>
      <label>${words.wordsField}<input name="words" .value=${this.text} placeholder=${words.wordsHint} @input=${(event: Event) => this.change(() => (this.text = (event.target as HTMLInputElement).value))} /></label>
      <div class="row">
        <button class="button" ?disabled=${busy || this.text.trim() === ""}>${words.find}</button>
        <button class="button quiet model-name" type="button" title=${words.changeMatcher} @click=${() => this.change(() => (this.pickingMatcher = true))}><span>${name ?? words.chooseMatcher}</span>${ICONS.open}</button>
      </div>
    </form>`;
  }

  /** What words mean, the best first. */
  private fitsView(objects: readonly FoundMask[]): TemplateResult | typeof nothing {
    if (objects.every(({ fit }) => fit === undefined)) return nothing;
    const bar = (object: FoundMask, i: number): Bar => ({ name: this.words.object(showWhole(i + 1, this.language)), score: object.fit ?? 0, choose: () => this.studio.take(object) });
    return html`<div data-role="fits">${barsView(this.language, objects.map(bar), threeDigits)}</div>`;
  }

  private tools(): TemplateResult {
    const { studio, words, pointing } = this;
    const { texts } = this.speech;
    const busy = studio.state === "looking" || (studio.state === "working" && studio.search !== undefined);
    const all = studio.objects;
    const masks = this.masks;
    return html`<p class="soft">${words.hint}</p>
      <div class="choices" role="group" aria-label=${words.clickMeans}>
        <button aria-pressed=${!pointing.beside} @click=${() => this.change(() => (pointing.beside = false))}>${words.inside}</button>
        <button aria-pressed=${pointing.beside} @click=${() => this.change(() => (pointing.beside = true))}>${words.outside}</button>
      </div>
      <div class="row">
        <button class="button" ?disabled=${!studio.canUndo} @click=${() => void studio.undo()}>${words.undo}</button>
        <button class="button" ?disabled=${!studio.canRedo} @click=${() => void studio.redo()}>${words.redo}</button>
        <button class="button quiet" @click=${() => void studio.clear()}>${words.clear}</button>
      </div>
      <div class="row">
        ${busy
          ? html`<button class="button" @click=${() => studio.stop()}>${ICONS.stop}${texts.cancel}</button>`
          : html`<button class="button primary" @click=${() => void studio.everything(this.finding)}>${words.everything}</button>`}
        ${!busy && all?.length === 0 ? html`<button class="button" @click=${() => void studio.everything(this.uncertain)}>${words.uncertain}</button>` : nothing}
      </div>
      ${this.wordsView(busy)}
      <label class="check"><input type="checkbox" .checked=${pointing.hovering} @change=${(event: Event) => (pointing.hovering = (event.target as HTMLInputElement).checked)} />${words.preview}</label>
      ${studio.candidates.length > 0
        ? html`<section><h2>${words.candidates}</h2><div class="choices masks">${studio.candidates.map(({ score }, i) => this.candidate(i, score))}</div></section>`
        : nothing}
      ${all ? html`<p data-role="objects">${all.length === 0 ? words.noObjects : words.objects(showWhole(all.length, this.language))}</p>${this.fitsView(all)}` : nothing}
      ${masks.length > 0
        ? html`<section><h2>${words.save}</h2><div class="row">${KINDS.map((kind) => html`<button class="button" @click=${() => void this.save(kind)}>${words[kind]}</button>`)}</div></section>`
        : nothing}
      ${studio.milliseconds === undefined ? nothing : html`<p class="soft">${words.took(threeDigits(studio.milliseconds, this.language))}</p>`}
      <button class="button quiet" @click=${() => this.openDialog("photo")}>${ICONS.file}${this.pictureWords.otherPicture}</button>`;
  }

  private get uncertain(): Finding {
    return { ...this.finding, everything: { ...this.finding.everything, ...UNCERTAIN } };
  }

  private candidate(i: number, score: number): TemplateResult {
    const shown = threeDigits(score, this.language);
    return html`<button aria-pressed=${i === this.studio.chosen} aria-label=${this.words.candidate(i + 1, shown)} @click=${() => this.studio.choose(i)}>${shown}</button>`;
  }

  /** The masks that are saved: the chosen one, else all objects. */
  private get masks(): readonly FoundMask[] {
    const { mask, objects } = this.studio;
    return mask ? [mask] : (objects ?? []);
  }

  private draw(): void {
    const { picture, pointed, preview, mask, objects } = this.studio;
    const [base, masks, points] = [...this.renderRoot.querySelectorAll("canvas")];
    if (!picture || !base || !masks || !points) return;
    const { width, height } = picture.bitmap;
    const fresh = this.canvas !== base || this.shown !== picture;
    if (fresh) {
      [this.canvas, this.shown] = [base, picture];
      for (const canvas of [base, masks, points]) [canvas.width, canvas.height] = [width, height];
      base.getContext("2d")?.drawImage(picture.bitmap, 0, 0);
    }
    const [first = [0, 0, 0] as const] = COLOURS;
    const layers: Layer[] = (objects ?? []).map(({ mask }, i) => ({ mask, colour: COLOURS[i % COLOURS.length] ?? first, strength: 110 }));
    if (preview && !mask) layers.push({ mask: preview.mask, colour: first, strength: 70 });
    if (mask) layers.push({ mask: mask.mask, colour: first, strength: 140 });
    // Decoding masks takes long, and most updates are about something else.
    const same = layers.length === this.drawn.length && layers.every(({ mask, strength }, i) => mask === this.drawn[i]?.mask && strength === this.drawn[i]?.strength);
    if (!same || fresh) drawMasks(masks, layers);
    this.drawn = layers;
    points.getContext("2d")?.clearRect(0, 0, width, height);
    drawPointed(points, pointed, this.pointing, width / Math.max(1, base.clientWidth));
  }

  /** What is opened while a matcher is picked is one. */
  protected override async load(wanted: Wanted): Promise<void> {
    if (!this.pickingMatcher) return super.load(wanted);
    this.pickingMatcher = false;
    await this.studio.loadMatcher(wanted);
    if (this.text.trim() !== "") await this.studio.find(this.text, this.finding);
  }

  /** Looks for the words, once there is something that knows them. */
  private async find(): Promise<void> {
    const { studio, matcher } = this;
    if (studio.matcher) return studio.find(this.text, this.finding);
    this.change(() => (this.pickingMatcher = true));
    if (!matcher) return;
    const found = this.offered.find(({ name }) => name === matcher);
    await this.load({ name: found?.name ?? nameOf(matcher), source: found?.url ?? matcher });
  }

  protected override async show(picture: Shown): Promise<void> {
    await this.studio.show(picture);
  }

  protected override refuse(reason: string): void {
    this.studio.refuse(reason);
  }

  private async save(kind: Kind): Promise<void> {
    const { model: segmenter, picture } = this.studio;
    if (!segmenter || !picture) return;
    const { name, blob } = await save(kind, segmenter, picture, this.masks);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  private readonly onWords = (event: SubmitEvent): void => {
    event.preventDefault();
    if (this.text.trim() !== "") void this.find();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const { studio } = this;
    const typing = event.composedPath()[0] instanceof HTMLInputElement;
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (typing) return;
    if (undo) void (event.shiftKey ? studio.redo() : studio.undo());
    else if (event.key === "Escape") studio.state === "ready" ? void studio.clear() : studio.stop();
    else if (/^[1-3]$/.test(event.key)) studio.choose(Number(event.key) - 1);
    else return;
    event.preventDefault();
  };
}

customElements.define("dynasty-segment", DynastySegment);

declare global {
  interface HTMLElementTagNameMap {
    "dynasty-segment": DynastySegment;
  }
}
