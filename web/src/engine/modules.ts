import type { Opened } from "./bytes.js";
import { type Choice, chooseFlavour, surroundings, withoutThreads } from "./ladder.js";
import { DynastyError } from "./errors.js";
import type { AttentionInfo, AttentionWanted, BenchOptions, Completion, DeviceChoice, EverythingOptions, Figures, Flavour, FoundMask, Label, LoadedInfo, MaskPrompt, MaskRuns, Message, NamedFile, NamedTensor, Outlines, OutputTensor, PassFigures, Progress, ReadRequest, ReadResult, ReaderInfo, Sampling, SeerInfo, TrainRecord, Trial, ViewerInfo, WordsWanted } from "./protocol.generated.js";

/** How the wasm module speaks to the call that it is working on. */
export interface Listener {
  progress(progress: Progress): void;
  piece(text: string): void;
  /** Whether the caller has ended the call. */
  stopped(): boolean;
  /** Lets the worker hear its messages. */
  pause(): Promise<void>;
}

/** How a model is loaded. */
export interface Wanted {
  readonly device: DeviceChoice;
  readonly context?: number;
  /** What trials of earlier visits found. */
  readonly known: readonly Trial[];
}

/** A loaded model's number and what it is. */
export interface Loaded {
  readonly model: number;
  readonly info: LoadedInfo;
  readonly trial: Trial | null;
}

/** The engine inside the wasm module. */
export interface WasmEngine {
  load(source: Opened, options: Wanted, listener: Listener): Promise<Loaded>;
  load_random(shape: string, quant: string, options: Wanted, listener: Listener): Promise<Loaded>;
  chat(model: number, messages: readonly Message[], sampling: Sampling, listener: Listener): Promise<Completion>;
  generate(model: number, prompt: string, sampling: Sampling, listener: Listener): Promise<Completion>;
  tokenize(model: number, text: string): Promise<number[]>;
  forward(model: number, inputs: readonly NamedTensor[]): Promise<OutputTensor[]>;
  bench(model: number, options: BenchOptions, listener: Listener): Promise<Figures | PassFigures>;
  dispose(model: number): void;
}

/** A training inside the wasm module. */
export interface WasmTrainer {
  about(): TrainRecord;
  steps(steps: number | undefined, listener: Listener): Promise<boolean>;
  files(quant: string | undefined): Promise<NamedFile[]>;
  free(): void;
}

/** Makes trainings. */
export interface Trainers {
  begin(recipe: string, texts: Opened, start: Opened | undefined, options: { device: DeviceChoice; threads: number }, listener: Listener): Promise<WasmTrainer>;
}

/** A model that does a task, inside the wasm module. */
export interface WasmTask<About> {
  about(): Promise<About>;
  free(): void;
}

/** Loads models for a task. */
export interface Opens<T> {
  open(source: Opened, options: Wanted & { threads: number }, listener: Listener): Promise<T>;
}

/** A model that reads. */
export interface WasmReader extends WasmTask<ReaderInfo> {
  read(asked: ReadRequest, listener: Listener): Promise<ReadResult>;
}

/** A model that looks at whole pictures. */
export interface WasmViewer extends WasmTask<ViewerInfo> {
  classify(rgba: Uint8Array, width: number, height: number, top_k: number | undefined): Promise<Label[]>;
  embed(rgba: Uint8Array, width: number, height: number, unit: boolean): Promise<number[]>;
  attend(rgba: Uint8Array, width: number, height: number): Promise<AttentionInfo>;
  map(wanted: AttentionWanted): number[];
}

/** A model that matches pictures with texts. */
export interface WasmMatcher extends WasmTask<SeerInfo> {
  match(rgba: Uint8Array, width: number, height: number, labels: readonly string[], template: string | undefined): Promise<Label[]>;
  embed(rgba: Uint8Array, width: number, height: number): Promise<number[]>;
  embed_texts(texts: readonly string[]): Promise<number[][]>;
}

/** A model that segments. What it looks for is `null` if that was ended. */
export interface WasmSegmenter extends WasmTask<SeerInfo> {
  look(rgba: Uint8Array, width: number, height: number): Promise<void>;
  predict(prompt: MaskPrompt): Promise<FoundMask[]>;
  everything(options: EverythingOptions, listener: Listener): Promise<FoundMask[] | null>;
  find(words: WordsWanted, matcher: WasmMatcher, listener: Listener): Promise<FoundMask[] | null>;
}

/** Loads models that segment. */
export interface Segmenters extends Opens<WasmSegmenter> {
  outlines(mask: MaskRuns, tolerance: number): Outlines;
}

/** The module that wasm-bindgen writes. */
export interface Glue {
  default(init: { module_or_path: WebAssembly.Module; memory?: WebAssembly.Memory }): Promise<{ memory: WebAssembly.Memory }>;
  /** Not in the modules that train; the small modules know only models that write. */
  Engine: new (options: { threads: number }) => WasmEngine;
  /** Only in the modules with every family. */
  Reader: Opens<WasmReader>;
  Viewer: Opens<WasmViewer>;
  Matcher: Opens<WasmMatcher>;
  Segmenter: Segmenters;
  /** Only in the modules that train. */
  Trainer: Trainers;
  /** Only in the module with threads. */
  pool_worker?: (index: number) => void;
}

/** What a helper worker is started with. */
export interface ThreadStart {
  readonly glue: string;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly index: number;
}

/** A started module. */
export interface Started {
  readonly glue: Glue;
  readonly choice: Choice;
}

/** The names that wasm-bindgen gives. */
const SCRIPT = "dynasty.js";
const BINARY = "dynasty_bg.wasm";

/** The script of a module. Its address is known only when the page runs. */
export async function importGlue(address: string): Promise<Glue> {
  try {
    return (await import(/* @vite-ignore */ address)) as Glue;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new DynastyError("network", `${address}: the engine cannot be fetched (${reason})`);
  }
}

/** Fetches, compiles and starts the best module for this page. */
export async function startModule(
  modules: string,
  wanted: number | undefined,
  onFlavour: (flavour: Flavour) => void,
): Promise<Started> {
  const choice = chooseFlavour(surroundings(), wanted);
  if (choice.steps.some((step) => step.name === "simd" && !step.taken)) {
    throw new DynastyError("unsupported", "this browser is too old: it has no SIMD in WebAssembly");
  }
  if (choice.flavour !== "threads") return startChoice(modules, choice, onFlavour);
  // A browser may have shared memory and refuse as much as the module declares.
  return startChoice(modules, choice, onFlavour).catch(() => startChoice(modules, withoutThreads(choice), onFlavour));
}

async function startChoice(modules: string, choice: Choice, onFlavour: (flavour: Flavour) => void): Promise<Started> {
  onFlavour(choice.flavour);
  const folder = new URL(`${choice.flavour}/`, modules);
  const script = new URL(SCRIPT, folder).href;
  const [glue, module] = await Promise.all([importGlue(script), compile(new URL(BINARY, folder).href)]);
  const { memory } = await glue.default({ module_or_path: module });
  if (choice.flavour === "threads") await startThreads({ glue: script, module, memory }, choice.threads);
  return { glue, choice };
}

async function compile(address: string): Promise<WebAssembly.Module> {
  const response = await fetch(address).catch(() => undefined);
  if (!response?.ok) throw new DynastyError("network", `${address}: the engine cannot be fetched (${response?.status ?? "no connection"})`);
  const typed = response.headers.get("Content-Type")?.startsWith("application/wasm") === true;
  return typed ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

async function startThreads(start: Omit<ThreadStart, "index">, threads: number): Promise<void> {
  const helpers = Array.from({ length: threads - 1 }, (_, i) => startThread({ ...start, index: i + 1 }));
  await Promise.all(helpers);
}

function startThread(start: ThreadStart): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module", name: `dynasty-${start.index}` });
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new DynastyError("internal", `a thread cannot be started: ${event.message}`));
    worker.postMessage(start);
  });
}
