import { Dynasty, type DynastyError, type DynastyOptions, type ModelSource, type OnProgress } from "../engine/index.js";
import { toDynastyError } from "../engine/errors.js";
import type { Loading, Wanted } from "./conversation.js";
import type { Work } from "./model-element.js";

/** What every element with a model may be doing. */
export type WorkState = "idle" | "loading" | "ready" | "error";

/** How a model is opened. */
export interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** One model at a time, and one task of it: everything but how it looks. */
export abstract class ModelWork<Model extends { dispose(): Promise<void> }, State extends string> implements Work {
  state: WorkState | State = "idle";
  model: Model | undefined;
  loading: Loading | undefined;
  failure: DynastyError | undefined;

  protected engine: Dynasty | undefined;
  private wanted: Wanted | undefined;
  private stopper = new AbortController();

  constructor(protected readonly changed: () => void) {}

  /** Opens a model. */
  protected abstract open(engine: Dynasty, source: ModelSource, hooks: Hooks): Promise<Model>;

  /** Puts away what belongs to the model that goes. */
  protected forgetModel(): void {}

  /** Puts away what belongs to the work that ends. */
  protected forgetWork(): void {}

  /** Loads a model in place of the one before. */
  async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    this.wanted = wanted;
    const old = this.model;
    this.model = undefined;
    this.forgetModel();
    await this.loadAs(wanted, async (engine, source, hooks) => {
      await old?.dispose().catch(() => undefined);
      const model = await this.open(engine, source, hooks);
      if (hooks.signal.aborted) return void model.dispose();
      this.model = model;
    }, options);
  }

  /** Loads something, and says how far it is. */
  protected async loadAs(wanted: Wanted, open: (engine: Dynasty, source: ModelSource, hooks: Hooks) => Promise<void>, options: DynastyOptions = {}): Promise<void> {
    await this.attempt("loading", async (signal) => {
      const onProgress = (progress: Loading["progress"]): void => {
        if (signal.aborted) return;
        this.loading = { name: wanted.name, progress };
        this.changed();
      };
      onProgress(undefined);
      this.engine ??= await Dynasty.create(options);
      await open(this.engine, wanted.source, { signal, onProgress });
    });
  }

  /** Loads again what was loaded last. */
  async reload(options: DynastyOptions): Promise<void> {
    if (this.wanted) await this.load(this.wanted, options);
  }

  /** Ends what is going on. */
  stop(): void {
    this.stopper.abort();
    if (this.state !== "error") this.rest(this.model ? "ready" : "idle");
  }

  /** Puts an error away. */
  dismiss(): void {
    if (this.state === "error") this.rest(this.model ? "ready" : "idle");
  }

  /** Stops the engine. */
  dispose(): void {
    this.stopper.abort();
    this.engine?.dispose();
    [this.engine, this.model] = [undefined, undefined];
  }

  /** Does something in place of what is going on; whether it came to its end. */
  protected async attempt(state: WorkState | State, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    this.stopper.abort();
    const stopper = new AbortController();
    this.stopper = stopper;
    this.rest(state);
    try {
      await work(stopper.signal);
      if (!stopper.signal.aborted) this.rest("ready");
      return !stopper.signal.aborted;
    } catch (thrown) {
      if (!stopper.signal.aborted) this.fail(thrown);
      return false;
    }
  }

  /** Says what went wrong. */
  protected fail(thrown: unknown): void {
    this.rest("error");
    this.failure = toDynastyError(thrown);
    this.changed();
  }

  private rest(state: WorkState | State): void {
    [this.state, this.failure] = [state, undefined];
    if (state !== "loading") this.loading = undefined;
    if (state === "ready" || state === "idle" || state === "error") this.forgetWork();
    this.changed();
  }
}
