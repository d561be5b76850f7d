import { Dynasty, DynastyError, type DynastyOptions, type FoundMask, type Progress, type Prompt, type PromptPoint, type Segmenter } from "../../engine/index.js";
import { toDynastyError } from "../../engine/errors.js";
import type { Loading, Wanted } from "../conversation.js";

/** What the studio is doing. */
export type StudioState = "idle" | "loading" | "looking" | "ready" | "working" | "error";

/** Where a person pointed: points, and perhaps a box. */
export interface Pointed {
  readonly points: readonly PromptPoint[];
  readonly box: readonly [number, number, number, number] | undefined;
}

/** A picture to work on. */
export interface Shown {
  readonly name: string;
  readonly bitmap: ImageBitmap;
}

const NOTHING: Pointed = { points: [], box: undefined };

/** One model and one picture at a time: everything but how it looks. */
export class Studio {
  state: StudioState = "idle";
  segmenter: Segmenter | undefined;
  picture: Shown | undefined;
  loading: Loading | undefined;
  failure: DynastyError | undefined;
  /** How far the search for everything is. */
  search: Extract<Progress, { stage: "search" }> | undefined;
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

  private engine: Dynasty | undefined;
  private wanted: Wanted | undefined;
  private stopper = new AbortController();
  private past: Pointed[] = [];
  private future: Pointed[] = [];
  /** The place under the pointer that waits to be asked, and whether one is being asked. */
  private hovered: PromptPoint | undefined;
  private asking = false;
  /** The picture that the model has looked at. */
  private seen: Shown | undefined;

  constructor(private readonly changed: () => void) {}

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
  async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    const stopper = this.begin("loading");
    this.wanted = wanted;
    const tell = (progress: Loading["progress"]): void => {
      if (stopper.signal.aborted) return;
      this.loading = { name: wanted.name, progress };
      this.changed();
    };
    tell(undefined);
    const old = this.segmenter;
    [this.segmenter, this.seen] = [undefined, undefined];
    try {
      this.engine ??= await Dynasty.create(options);
      await old?.dispose().catch(() => undefined);
      const segmenter = await this.engine.loadSegmenter(wanted.source, { signal: stopper.signal, onProgress: tell });
      if (stopper.signal.aborted) return void segmenter.dispose();
      this.segmenter = segmenter;
      this.settle(stopper, "ready");
    } catch (thrown) {
      return this.fail(stopper, thrown);
    }
    await this.look();
  }

  /** Loads again what was loaded last. */
  async reload(options: DynastyOptions): Promise<void> {
    if (this.wanted) await this.load(this.wanted, options);
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
    this.fail(this.begin("ready"), new DynastyError("damaged", reason));
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
  async everything(points_per_side: number): Promise<void> {
    const { segmenter } = this;
    if (!segmenter || this.state !== "ready" || !this.seen) return;
    const stopper = this.begin("working");
    const began = performance.now();
    try {
      const onProgress = (progress: Progress): void => {
        if (stopper.signal.aborted || progress.stage !== "search") return;
        this.search = progress;
        this.changed();
      };
      const objects = await segmenter.everything({ points_per_side, signal: stopper.signal, onProgress });
      if (stopper.signal.aborted) return;
      this.forget();
      this.objects = [...objects].sort((a, b) => b.area - a.area);
      this.milliseconds = performance.now() - began;
      this.settle(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  /** Ends what is going on. */
  stop(): void {
    const busy = this.state === "loading" || this.state === "looking" || this.state === "working";
    const stopper = this.stopper;
    stopper.abort();
    if (busy) this.rest(this.segmenter ? "ready" : "idle");
  }

  /** Puts an error away. */
  dismiss(): void {
    if (this.state === "error") this.rest(this.segmenter ? "ready" : "idle");
  }

  /** Stops the engine. */
  dispose(): void {
    this.stopper.abort();
    this.engine?.dispose();
    [this.engine, this.segmenter] = [undefined, undefined];
  }

  /** Lets the model look at the picture, if it has not. */
  async look(): Promise<void> {
    const { segmenter, picture } = this;
    if (!segmenter || !picture || this.seen === picture) return;
    const stopper = this.begin("looking");
    const began = performance.now();
    try {
      await segmenter.setImage(picture.bitmap, { signal: stopper.signal });
      if (stopper.signal.aborted) return;
      [this.seen, this.milliseconds] = [picture, performance.now() - began];
      this.settle(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  private async goTo(pointed: Pointed): Promise<void> {
    this.pointed = pointed;
    [this.preview, this.objects] = [undefined, undefined];
    const { points, box } = pointed;
    if (points.length === 0 && !box) {
      this.candidates = [];
      return this.changed();
    }
    const { segmenter } = this;
    // A look that was cancelled is made up for.
    await this.look();
    if (!segmenter || !this.seen || (this.state !== "ready" && this.state !== "working")) return this.changed();
    const stopper = this.begin("working");
    const began = performance.now();
    try {
      const prompt: Prompt = { points: [...points], ...(box ? { box: [...box] } : {}) };
      const found = await segmenter.predict(prompt, { signal: stopper.signal });
      if (stopper.signal.aborted) return;
      this.candidates = found;
      this.chosen = found.reduce((best, mask, i) => (mask.score > (found[best]?.score ?? -1) ? i : best), 0);
      this.milliseconds = performance.now() - began;
      this.settle(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  private async askHovered(): Promise<void> {
    this.asking = true;
    while (this.hovered && this.segmenter && this.seen && this.state === "ready") {
      const point = this.hovered;
      this.hovered = undefined;
      const found = await this.segmenter.predict({ points: [point], multimask: true }).catch(() => []);
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

  private begin(state: StudioState): AbortController {
    this.stopper.abort();
    this.stopper = new AbortController();
    this.rest(state);
    return this.stopper;
  }

  private settle(stopper: AbortController, state: StudioState): void {
    if (!stopper.signal.aborted) this.rest(state);
  }

  private fail(stopper: AbortController, thrown: unknown): void {
    if (stopper.signal.aborted) return;
    const failure = toDynastyError(thrown);
    this.rest("error");
    this.failure = failure;
    this.changed();
  }

  private rest(state: StudioState): void {
    [this.state, this.failure] = [state, undefined];
    if (state !== "loading") this.loading = undefined;
    if (state !== "working") this.search = undefined;
    this.changed();
  }
}
