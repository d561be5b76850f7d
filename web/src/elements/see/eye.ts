import { type AttentionInfo, type AttentionWanted, type Dynasty, DynastyError, type DynastyOptions, type Label, Matcher, type ModelSource, Viewer } from "../../engine/index.js";
import type { Wanted } from "../conversation.js";
import type { Shown } from "../pictures.js";
import { cosine } from "../vectors.js";
import { type Hooks, ModelWork } from "../work.js";

/** What the page does with pictures. */
export type Panel = "classify" | "match" | "search";

/** What the eye is doing beside loading. */
export type EyeState = "looking" | "collecting";

/** A picture of a collection. */
export interface Kept {
  readonly name: string;
  readonly file: Blob;
  /** The address of its thumbnail. */
  readonly url: string;
  readonly vector: readonly number[] | undefined;
}

/** A picture and how well a text fits it. */
export interface Rated extends Kept {
  readonly score: number | undefined;
}

/** Classes that are shown. */
const CLASSES = 5;

const DIGIT = /^\d$/;

/** One model, one picture, and one collection of pictures: everything but how it looks. */
export class Eye extends ModelWork<Viewer | Matcher, EyeState> {
  /** What the next model is opened for. */
  panel: Panel = "classify";
  picture: Shown | undefined;
  milliseconds: number | undefined;
  /** What a viewer says of the picture. */
  classes: readonly Label[] | undefined;
  /** Whether the model's classes are digits, so that one can write something for it. */
  digits = false;
  attention: AttentionInfo | undefined;
  /** Which attention is shown, and its weights. */
  aim: AttentionWanted = {};
  weights: readonly number[] | undefined;
  /** What a matcher says of the picture. */
  fits: readonly Label[] | undefined;
  /** The collection, and how far it is looked at. */
  kept: readonly Kept[] = [];
  collecting: { readonly done: number; readonly total: number } | undefined;
  query = "";

  private queryVector: readonly number[] | undefined;
  /** The picture that the viewer has looked at. */
  private seen: Shown | undefined;
  private asking = false;
  private asked: AttentionWanted | undefined;

  get viewer(): Viewer | undefined {
    return this.model instanceof Viewer ? this.model : undefined;
  }

  get matcher(): Matcher | undefined {
    return this.model instanceof Matcher ? this.model : undefined;
  }

  override async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    await super.load(wanted, options);
    await this.look();
    if (this.kept.length > 0) await this.collect();
  }

  protected override open(engine: Dynasty, source: ModelSource, hooks: Hooks): Promise<Viewer | Matcher> {
    return this.panel === "classify" ? engine.loadViewer(source, hooks) : engine.loadMatcher(source, hooks);
  }

  protected override forgetModel(): void {
    this.forgetPicture();
    this.digits = false;
    this.queryVector = undefined;
    this.kept = this.kept.map((one) => ({ ...one, vector: undefined }));
  }

  protected override forgetWork(): void {
    this.collecting = undefined;
  }

  /** Takes a picture, and shows it the viewer. */
  async show(picture: Shown): Promise<void> {
    this.picture?.bitmap.close();
    this.picture = picture;
    this.forgetPicture();
    this.changed();
    await this.look();
  }

  /** Says that a picture could not be read. */
  refuse(reason: string): void {
    this.fail(new DynastyError("damaged", reason));
  }

  /** Lets the viewer look at the picture, if it has not. */
  async look(): Promise<void> {
    const { viewer, picture } = this;
    if (!viewer || !picture || this.seen === picture || this.state === "loading") return;
    await this.attempt("looking", async (signal) => {
      const began = performance.now();
      const classes = viewer.about.classes ? await viewer.classify(picture.bitmap, { topK: CLASSES, signal }) : undefined;
      const milliseconds = performance.now() - began;
      const attention = viewer.about.attends ? await viewer.attend(picture.bitmap, { signal }) : undefined;
      const weights = attention && (await viewer.attentionMap({}, { signal }));
      if (signal.aborted) return;
      [this.seen, this.milliseconds, this.classes] = [picture, classes && milliseconds, classes];
      this.digits = classes?.every(({ label }) => DIGIT.test(label)) ?? false;
      [this.attention, this.aim, this.weights] = [attention, {}, weights];
    });
  }

  /** Shows other weights; of wishes that wait only the last is asked. */
  attend(wanted: AttentionWanted): void {
    this.aim = wanted;
    this.asked = wanted;
    this.changed();
    if (!this.asking) void this.askAttention();
  }

  /** Compares the picture with labels. */
  async match(labels: readonly string[], template: string): Promise<void> {
    const { matcher, picture } = this;
    if (!matcher || !picture || labels.length === 0 || this.state === "loading") return;
    await this.attempt("looking", async (signal) => {
      const began = performance.now();
      const fits = await matcher.match(picture.bitmap, labels, { template, signal });
      if (!signal.aborted) [this.fits, this.milliseconds] = [fits, performance.now() - began];
    });
  }

  /** Adds pictures to the collection. */
  async add(files: readonly File[]): Promise<void> {
    const added = files.map((file) => ({ name: file.name, file, url: URL.createObjectURL(file), vector: undefined }));
    this.kept = [...this.kept, ...added];
    this.changed();
    await this.collect();
  }

  /** Empties the collection. */
  clear(): void {
    this.stop();
    for (const { url } of this.kept) URL.revokeObjectURL(url);
    this.kept = [];
    this.changed();
  }

  /** Lets the matcher look at the pictures of the collection that it has not seen. Those that are none are left out. */
  async collect(): Promise<void> {
    const { matcher } = this;
    if (!matcher || this.state === "loading") return;
    const unreadable: string[] = [];
    const whole = await this.attempt("collecting", async (signal) => {
      const waiting = this.kept.filter(({ vector }) => vector === undefined);
      for (const [done, one] of waiting.entries()) {
        if (signal.aborted) return;
        this.collecting = { done, total: waiting.length };
        this.changed();
        const vector = await matcher.embedImage(one.file, { signal }).catch((thrown: unknown) => {
          if (!(thrown instanceof DynastyError) || thrown.code !== "damaged") throw thrown;
          unreadable.push(one.name);
        });
        this.kept = this.kept.flatMap((kept) => (kept !== one ? [kept] : vector ? [{ ...kept, vector }] : []));
      }
    });
    if (whole && unreadable.length > 0) this.refuse(unreadable.join(", "));
  }

  /** Compares the collection with a text. */
  async search(query: string): Promise<void> {
    const { matcher } = this;
    if (!matcher || query.trim() === "" || this.state === "loading" || this.state === "collecting") return;
    await this.attempt("looking", async (signal) => {
      const began = performance.now();
      const vector = await matcher.embedText(query, { signal });
      if (!signal.aborted) [this.query, this.queryVector, this.milliseconds] = [query, vector, performance.now() - began];
    });
  }

  /** The collection, those that fit the text best first. */
  get rated(): readonly Rated[] {
    const { queryVector: query } = this;
    const rated = this.kept.map((one) => ({ ...one, score: query && one.vector && cosine(query, one.vector) }));
    return query ? rated.sort((a, b) => (b.score ?? -2) - (a.score ?? -2)) : rated;
  }

  override dispose(): void {
    super.dispose();
    for (const { url } of this.kept) URL.revokeObjectURL(url);
  }

  private async askAttention(): Promise<void> {
    this.asking = true;
    while (this.asked && this.viewer && this.attention) {
      const wanted = this.asked;
      this.asked = undefined;
      const weights = await this.viewer.attentionMap(wanted).catch(() => undefined);
      if (weights && this.attention) this.weights = weights;
      this.changed();
    }
    this.asking = false;
  }

  private forgetPicture(): void {
    [this.classes, this.attention, this.weights, this.fits] = [undefined, undefined, undefined, undefined];
    [this.seen, this.milliseconds, this.aim] = [undefined, undefined, {}];
  }
}
