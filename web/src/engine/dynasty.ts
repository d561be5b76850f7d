import { type CallOptions, Channel, type Port, expectOutcome } from "./channel.js";
import { DynastyError } from "./errors.js";
import { Matcher } from "./matcher.js";
import { Model } from "./model.js";
import type { DeviceChoice, Opened, Source, Surroundings, Task, Trial } from "./protocol.generated.js";
import { Reader } from "./reader.js";
import { Segmenter } from "./segmenter.js";
import { type ModelSource, toSource } from "./source.js";
import { Training } from "./training.js";
import { knownTrials, rememberTrial } from "./trials.js";
import { Viewer } from "./viewer.js";

/** How an engine is made. */
export interface DynastyOptions {
  /** Where models run; `auto`, the default, times both on the first block of each kind of model, and remembers. */
  readonly device?: DeviceChoice | undefined;
  /** Threads in a cross-origin isolated page; by default one a core, at most eight. */
  readonly threads?: number | undefined;
  /** The address of the folder `wasm` of this package, if it does not lie beside the folder of its scripts. */
  readonly modules?: string | undefined;
  /** Starts the engine's worker, if it shall not be this package's own. */
  readonly connect?: (() => Port) | undefined;
}

/** How a model is loaded. */
export interface LoadOptions extends CallOptions {
  /** Tokens a conversation can hold; by default the smaller of the model's and what fits. */
  readonly context?: number | undefined;
}

/** How a training is made. */
export interface TrainingOptions extends CallOptions {
  /** The model that the recipe goes on from. */
  readonly start?: ModelSource | undefined;
}

/** The engine: a worker that holds models. */
export class Dynasty {
  private readonly channel: Channel;
  private disposed = false;

  private constructor(private readonly options: DynastyOptions) {
    this.channel = new Channel(options.connect ?? startWorker);
  }

  /** Makes an engine. Nothing is fetched before the first model. */
  static async create(options: DynastyOptions = {}): Promise<Dynasty> {
    const { threads } = options;
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
      throw new DynastyError("argument", `threads is ${threads}, expected a whole number from 1 to 64`);
    }
    return new Dynasty(options);
  }

  /**
   * Loads a model.
   *
   * Rejects with `not_found`, `damaged`, `unsupported` or `network` for what is wrong with the files, `memory` if the
   * model does not fit, `no_device` if the wanted device is not there, and `aborted`.
   */
  async load(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
    this.check();
    const { channel } = this;
    const call = {
      kind: "load" as const,
      ...(await this.opening(source)),
      ...(options.context === undefined ? {} : { context: options.context }),
    };
    const { value } = expectOutcome(await channel.call(call, options), "load");
    if (value.trial !== null) rememberTrial(value.trial);
    return new Model(channel, value.model, { ...value.info, ...value.surroundings });
  }

  /**
   * Loads a model that reads: embeds texts, fills masks, classifies, answers from a text. The part of the engine that
   * does this, and what the following ones do, is fetched now.
   *
   * Rejects as `load`.
   */
  async loadReader(source: ModelSource, options: CallOptions = {}): Promise<Reader> {
    const { number, about } = await this.open("reader", source, options);
    return new Reader(this.channel, number, about);
  }

  /**
   * Loads a model that looks at whole pictures, such as ViT, DINOv2, or CLIP for its vectors.
   *
   * Rejects as `load`.
   */
  async loadViewer(source: ModelSource, options: CallOptions = {}): Promise<Viewer> {
    const { number, about } = await this.open("viewer", source, options);
    return new Viewer(this.channel, number, about);
  }

  /**
   * Loads a model that matches pictures with texts, such as CLIP.
   *
   * Rejects as `load`.
   */
  async loadMatcher(source: ModelSource, options: CallOptions = {}): Promise<Matcher> {
    const { number, about } = await this.open("matcher", source, options);
    return new Matcher(this.channel, number, about);
  }

  /**
   * Loads a model that cuts out of pictures what prompts point at, such as SAM.
   *
   * Rejects as `load`.
   */
  async loadSegmenter(source: ModelSource, options: CallOptions = {}): Promise<Segmenter> {
    const { number, about } = await this.open("segmenter", source, options);
    return new Segmenter(this.channel, number, about);
  }

  private async open<T extends Task>(task: T, source: ModelSource, options: CallOptions): Promise<{ number: number; about: About<T> }> {
    this.check();
    const call = { kind: "open" as const, task, ...(await this.opening(source)) };
    const { number, about, surroundings } = expectOutcome(await this.channel.call(call, options), "opened").value;
    if (about.trial !== null) rememberTrial(about.trial);
    if (!isFor(about, task)) throw new DynastyError("internal", `the engine opened a ${about.task} where a ${task} was asked for`);
    return { number, about: { ...about, ...surroundings } };
  }

  private check(): void {
    if (this.disposed) throw new DynastyError("disposed", "the engine has been disposed of");
  }

  private async opening(source: ModelSource): Promise<{ source: Source; device: DeviceChoice; modules: string; known: Trial[]; threads?: number }> {
    const { device, modules, threads } = this.options;
    return {
      source: await toSource(source, globalThis.document?.baseURI),
      device: device ?? "auto",
      modules: modules ?? defaultModules(),
      known: knownTrials(),
      ...(threads === undefined ? {} : { threads }),
    };
  }

  /**
   * Prepares a training by a recipe's text. `texts` are the files that it names. The part of the engine that trains is
   * fetched now; with `device: "auto"` it runs on the processor.
   *
   * Rejects with `argument` for a recipe that is none, `damaged` or `network` for what is wrong with the texts,
   * `no_device`, and `aborted`.
   */
  async train(recipe: string, texts: ModelSource, options: TrainingOptions = {}): Promise<Training> {
    this.check();
    const { channel } = this;
    const base = globalThis.document?.baseURI;
    const call = {
      kind: "train" as const,
      recipe,
      texts: await toSource(texts, base),
      device: this.options.device ?? "auto",
      modules: this.options.modules ?? defaultModules(),
      ...(options.start === undefined ? {} : { start: await toSource(options.start, base) }),
      ...(this.options.threads === undefined ? {} : { threads: this.options.threads }),
    };
    const { value } = expectOutcome(await channel.call(call, options), "training");
    const { about, surroundings } = value;
    if (about.kind !== "run") throw new DynastyError("internal", "the training did not say what it is");
    return new Training(channel, value.training, { ...about, ...surroundings });
  }

  /** Stops the worker and frees every model. */
  dispose(): void {
    this.disposed = true;
    this.channel.close(new DynastyError("disposed", "the engine has been disposed of"));
  }
}

/** What a model of a task is. */
type About<T extends Task> = Extract<Opened, { task: T }> & Surroundings;

function isFor<T extends Task>(about: Opened, task: T): about is Extract<Opened, { task: T }> {
  return about.task === task;
}

function startWorker(): Port {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "dynasty" });
}

/** Built scripts lie in a folder beside the folder `wasm`, in the package and in the site. */
function defaultModules(): string {
  const beside = "../wasm/";
  return new URL(beside, import.meta.url).href;
}
