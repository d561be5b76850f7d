import { type CallOptions, type Dynasty, DynastyError, type DynastyOptions, type FindOptions, type FoundMask, type Matcher, type ModelSource, type Progress, type Prompt, type PromptPoint, type Segmenter } from "../../engine/index.js";
import type { Wanted } from "../conversation.js";
import type { Shown } from "../pictures.js";
import { type Hooks, ModelWork } from "../work.js";

/** Where a person pointed: points, and perhaps a box. */
export interface Pointed {
  readonly points: readonly PromptPoint[];
  readonly box: readonly [number, number, number, number] | undefined;
}

/** How objects are looked for, and how well words must fit them. */
export type Finding = Omit<FindOptions, keyof CallOptions>;

const NOTHING: Pointed = { points: [], box: undefined };

/** One model and one picture at a time: everything but how it looks. */
export class Studio extends ModelWork<Segmenter, "looking" | "working"> {
  picture: Shown | undefined;
  /** What knows words. */
  matcher: Matcher | undefined;
  /** How far the search for everything is. */
  search: Extract<Progress, { stage: "search" | "describe" }> | undefined;
  /** Where the person pointed. */
  pointed: Pointed = NOTHING;
  /** The masks that this may mean. */
  candidates: readonly FoundMask[] = [];
  /** Which of them is meant. */
  chosen = 0;
  /** What would be chosen under the pointer. */
  preview: FoundMask | undefined;
  /** All objects, once they were looked for. */
  objects: readonly FoundMask[] | undefined;
  /** Milliseconds of the last answer. */
  milliseconds: number | undefined;

  private past: Pointed[] = [];
  private future: Pointed[] = [];
  /** The place under the pointer that waits to be asked, and whether one is being asked. */
  private hovered: PromptPoint | undefined;
  private asking = false;
  /** The picture that the model has looked at. */
  private seen: Shown | undefined;

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** The mask that is saved. */
  get mask(): FoundMask | undefined {
    return this.candidates[this.chosen];
  }

  /** Loads a model in place of the one before, and shows it the picture. */
  override async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    await super.load(wanted, options);
    await this.look();
  }

  protected override open(engine: Dynasty, source: ModelSource, hooks: Hooks): Promise<Segmenter> {
    return engine.loadSegmenter(source, hooks);
  }

  /** Loads what knows words, in place of the one before. */
  async loadMatcher(wanted: Wanted): Promise<void> {
    const old = this.matcher;
    this.matcher = undefined;
    await this.loadAs(wanted, async (engine, source, hooks) => {
      await old?.dispose().catch(() => undefined);
      const matcher = await engine.loadMatcher(source, hooks);
      if (hooks.signal.aborted) return void matcher.dispose();
      this.matcher = matcher;
    });
  }

  override dispose(): void {
    super.dispose();
    this.matcher = undefined;
  }

  protected override forgetModel(): void {
    this.seen = undefined;
  }

  protected override forgetWork(): void {
    this.search = undefined;
  }

  /** Takes a picture, and shows it the model. */
  async show(picture: Shown): Promise<void> {
    this.picture?.bitmap.close();
    this.picture = picture;
    [this.past, this.future] = [[], []];
    this.forget();
    this.changed();
    await this.look();
  }

  /** Says that a picture could not be read. */
  refuse(reason: string): void {
    this.fail(new DynastyError("damaged", reason));
  }

  /** Points at something more, or at something else. */
  async point(pointed: Pointed): Promise<void> {
    this.past.push(this.pointed);
    this.future = [];
    await this.goTo(pointed);
  }

  /** Adds a point. */
  async add(point: PromptPoint): Promise<void> {
    await this.point({ points: [...this.pointed.points, point], box: this.pointed.box });
  }

  async undo(): Promise<void> {
    const before = this.past.pop();
    if (!before) return;
    this.future.push(this.pointed);
    await this.goTo(before);
  }

  async redo(): Promise<void> {
    const next = this.future.pop();
    if (!next) return;
    this.past.push(this.pointed);
    await this.goTo(next);
  }

  /** Points at nothing. */
  async clear(): Promise<void> {
    this.objects = undefined;
    if (this.pointed !== NOTHING) await this.point(NOTHING);
    this.changed();
  }

  /** Takes another of the masks. */
  choose(candidate: number): void {
    if (this.candidates[candidate]) this.chosen = candidate;
    this.changed();
  }

  /** Takes an object that was found among everything. */
  take(object: FoundMask): void {
    [this.candidates, this.chosen, this.preview] = [[object], 0, undefined];
    this.changed();
  }

  /** Asks what lies under the pointer; of places that wait only the last is asked. */
  hover(point: PromptPoint | undefined): void {
    this.hovered = point;
    if (!point && this.preview) {
      this.preview = undefined;
      this.changed();
    }
    if (!this.asking) void this.askHovered();
  }

  /** Looks for everything. */
  async everything({ everything }: Finding): Promise<void> {
    const { model } = this;
    if (!model || this.state !== "ready" || !this.seen) return;
    const began = performance.now();
    await this.attempt("working", async (signal) => {
      const objects = await model.everything({ ...everything, signal, onProgress: this.onSearch(signal) });
      if (!signal.aborted) this.showObjects([...objects].sort((a, b) => b.area - a.area), began);
    });
  }

  /** Lets the model look at the picture, if it has not. */
  async look(): Promise<void> {
    const { model, picture } = this;
    if (!model || !picture || this.seen === picture) return;
    const began = performance.now();
    await this.attempt("looking", async (signal) => {
      await model.setImage(picture.bitmap, { signal });
      if (!signal.aborted) [this.seen, this.milliseconds] = [picture, performance.now() - began];
    });
  }

  private async goTo(pointed: Pointed): Promise<void> {
    this.pointed = pointed;
    [this.preview, this.objects] = [undefined, undefined];
    const { points, box } = pointed;
    if (points.length === 0 && !box) {
      this.candidates = [];
      return this.changed();
    }
    const { model } = this;
    // A look that was cancelled is made up for.
    await this.look();
    if (!model || !this.seen || (this.state !== "ready" && this.state !== "working")) return this.changed();
    const began = performance.now();
    await this.attempt("working", async (signal) => {
      const prompt: Prompt = { points: [...points], ...(box ? { box: [...box] } : {}) };
      const found = await model.predict(prompt, { signal });
      if (signal.aborted) return;
      this.candidates = found;
      this.chosen = found.reduce((best, mask, i) => (mask.score > (found[best]?.score ?? -1) ? i : best), 0);
      this.milliseconds = performance.now() - began;
    });
  }

  /** Looks for what words mean. */
  async find(text: string, finding: Finding): Promise<void> {
    const { model, matcher } = this;
    if (!model || !matcher || text.trim() === "") return;
    await this.look();
    if (this.state !== "ready" || !this.seen) return;
    const began = performance.now();
    await this.attempt("working", async (signal) => {
      const objects = await model.find(text, matcher, { ...finding, signal, onProgress: this.onSearch(signal) });
      if (!signal.aborted) this.showObjects(objects, began);
    });
  }

  private onSearch(signal: AbortSignal): (progress: Progress) => void {
    return (progress) => {
      if (signal.aborted || (progress.stage !== "search" && progress.stage !== "describe")) return;
      this.search = progress;
      this.changed();
    };
  }

  private showObjects(objects: readonly FoundMask[], began: number): void {
    this.forget();
    this.objects = objects;
    this.milliseconds = performance.now() - began;
  }

  private async askHovered(): Promise<void> {
    this.asking = true;
    while (this.hovered && this.model && this.seen && this.state === "ready") {
      const point = this.hovered;
      this.hovered = undefined;
      const found = await this.model.predict({ points: [point], multimask: true }).catch(() => []);
      if (this.state !== "ready") break;
      this.preview = [...found].sort((a, b) => b.score - a.score)[0];
      this.changed();
    }
    this.asking = false;
  }

  private forget(): void {
    [this.pointed, this.candidates, this.chosen] = [NOTHING, [], 0];
    [this.preview, this.objects, this.search, this.hovered] = [undefined, undefined, undefined, undefined];
  }
}
