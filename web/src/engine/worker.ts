/** The engine's worker: takes requests one after the other, and stops in between. */
import { type OnBytes, type Opened, openFiles } from "./bytes.js";
import { DynastyError, toDynastyError } from "./errors.js";
import { openUrl } from "./http.js";
import { gpuSteps } from "./ladder.js";
import { type Listener, type Loaded, type Started, type WasmEngine, type WasmReader, type WasmSegmenter, type WasmTrainer, startModule } from "./modules.js";
import type { Figures, Flavour, LoadedInfo, Outcome, PassFigures, Reply, Request, Source, Surroundings } from "./protocol.generated.js";
import { type GpuFound, addSubgroups } from "./subgroups.js";

type Load = Extract<Request, { kind: "load" }>;
type Train = Extract<Request, { kind: "train" }>;
type OpenReader = Extract<Request, { kind: "open_reader" | "open_segmenter" }>;
type Part = "tasks" | "train";
type Job = Exclude<Request, { kind: "abort" }>;

/** A page hears of its download this often. */
const EVERY_MS = 100;

/** A worker hears its messages this often. */
const PAUSE_MS = 8;

const running = new Map<number, AbortController>();
let started: Promise<Started & { readonly engine: WasmEngine; readonly gpu: GpuFound }> | undefined;
/** The modules that train and that read; each has a memory of its own. */
const parts = new Map<Part, Promise<Started>>();
const trainings = new Map<number, WasmTrainer>();
const readers = new Map<number, WasmReader>();
const segmenters = new Map<number, WasmSegmenter>();
let lastNumber = 0;
let last: Promise<void> = Promise.resolve();

self.onmessage = (event: MessageEvent<Request>): void => {
  const request = event.data;
  if (request.kind === "abort") {
    running.get(request.id)?.abort();
    return;
  }
  const stop = new AbortController();
  running.set(request.id, stop);
  last = last.then(() => answer(request, stop.signal)).finally(() => running.delete(request.id));
};

function reply(message: Reply): void {
  self.postMessage(message);
}

async function answer(request: Job, signal: AbortSignal): Promise<void> {
  const { id } = request;
  try {
    signal.throwIfAborted();
    reply({ kind: "done", id, outcome: await work(request, signal) });
  } catch (thrown) {
    const { code, message } = signal.aborted ? toDynastyError(signal.reason) : fromWasm(thrown);
    reply({ kind: "failed", id, code, message });
  }
}

/** The wasm module throws plain objects with a code and a message. */
function fromWasm(thrown: unknown): DynastyError {
  if (thrown instanceof Error || typeof thrown !== "object" || thrown === null) return toDynastyError(thrown);
  const { code, message } = thrown as Partial<DynastyError>;
  return new DynastyError(code ?? "internal", message ?? "the engine failed without a reason");
}

async function work(request: Job, signal: AbortSignal): Promise<Outcome> {
  if (request.kind === "load") return load(request, signal);
  if (request.kind === "train") return train(request, signal);
  if ("training" in request) return goOn(request, signal);
  if (request.kind === "open_reader" || request.kind === "open_segmenter") return openPart(request, signal);
  if ("segmenter" in request) return segment(request, signal);
  if ("reader" in request) return read(request, signal);
  if (started === undefined) throw new DynastyError("disposed", "the model is not loaded");
  const { engine } = await started;
  const listener = listen(request.id, signal);
  switch (request.kind) {
    case "chat":
      return { of: "completion", value: await engine.chat(request.model, request.messages, request.sampling, listener) };
    case "generate":
      return { of: "completion", value: await engine.generate(request.model, request.prompt, request.sampling, listener) };
    case "tokenize":
      return { of: "tokens", value: await engine.tokenize(request.model, request.text) };
    case "forward":
      return { of: "tensors", value: await engine.forward(request.model, request.inputs) };
    case "bench":
      return measured(await engine.bench(request.model, request.options, listener));
    case "dispose":
      engine.dispose(request.model);
      return { of: "nothing" };
  }
}

function measured(figures: Figures | PassFigures): Outcome {
  return "latency_ms" in figures ? { of: "pass_figures", value: figures } : { of: "figures", value: figures };
}

async function load(request: Load, signal: AbortSignal): Promise<Outcome> {
  const { id, source, device, context, known } = request;
  const onBytes = countBytes(id);
  // The module is compiled while the model's header comes.
  const [{ engine, choice, gpu }, opened] = await Promise.all([start(request), open(source, onBytes, signal)]);
  const options = { device, known, ...(context === undefined ? {} : { context }) };
  const listener = listen(id, signal);
  if (opened.kind === "random") {
    return loaded(await engine.load_random(opened.shape, opened.quant, options, listener));
  }
  const failure: { error?: unknown } = {};
  try {
    return loaded(await engine.load(watched(opened, failure), options, listener));
  } catch (thrown) {
    // What a read failed with says more than what the module makes of it.
    throw failure.error ?? thrown;
  }

  function loaded({ model, info, trial }: Loaded): Outcome {
    // Nobody waits for it any more.
    if (signal.aborted) engine.dispose(model);
    signal.throwIfAborted();
    const { flavour, threads } = choice;
    const steps = [...gpuSteps(device, gpu, info), ...choice.steps];
    const surroundings: Surroundings = { flavour, threads, steps };
    return { of: "load", value: { model, info, surroundings, trial } };
  }
}

/** Prepares a training. Its module is fetched when the first one is asked for. */
async function train(request: Train, signal: AbortSignal): Promise<Outcome> {
  const { id, recipe, texts, start, device } = request;
  const onBytes = countBytes(id);
  const bytes = (source: Source): Promise<Opened> => openReal(source, onBytes, signal);
  const [{ glue, choice }, folder, model] = await Promise.all([startPart("train", request), bytes(texts), start ? bytes(start) : undefined]);
  const trainer = await glue.Trainer.begin(recipe, folder, model, { device, threads: choice.threads }, listen(id, signal));
  // Nobody waits for it any more.
  if (signal.aborted) trainer.free();
  signal.throwIfAborted();
  const training = ++lastNumber;
  trainings.set(training, trainer);
  const { flavour, steps } = choice;
  return { of: "training", value: { training, about: trainer.about(), surroundings: { flavour, threads: choice.threads, steps: [...steps] } } };
}

async function goOn(request: Extract<Job, { training: number }>, signal: AbortSignal): Promise<Outcome> {
  const trainer = trainings.get(request.training);
  if (trainer === undefined) throw new DynastyError("disposed", `training ${request.training} is not there`);
  switch (request.kind) {
    case "train_steps": {
      const finished = await trainer.steps(request.steps, listen(request.id, signal));
      return { of: "steps", value: { finished } };
    }
    case "trained_files":
      return { of: "files", value: await trainer.files(request.quant) };
    case "end_training":
      trainings.delete(request.training);
      trainer.free();
      return { of: "nothing" };
  }
}

/** Loads a model that reads or sees. Its module is fetched when the first one is asked for. */
async function openPart(request: OpenReader, signal: AbortSignal): Promise<Outcome> {
  const { id, kind, source, device, known } = request;
  const finding: Promise<GpuFound> = device === "wasm" ? Promise.resolve("missing") : addSubgroups();
  const [gpu, { glue, choice }, opened] = await Promise.all([finding, startPart("tasks", request), openReal(source, countBytes(id), signal)]);
  const failure: { error?: unknown } = {};
  // What a read failed with says more than what the module makes of it.
  const failed = (thrown: unknown): never => {
    throw failure.error ?? thrown;
  };
  const { flavour, threads } = choice;
  const options = { device, known, threads };
  const runsIn = (info: LoadedInfo): Surroundings => ({ flavour, threads, steps: [...gpuSteps(device, gpu, info), ...choice.steps] });
  /** Nobody may wait for it any more. */
  const wanted = <T extends { free(): void }>(opened: T): T => {
    if (signal.aborted) opened.free();
    signal.throwIfAborted();
    return opened;
  };
  const number = ++lastNumber;
  if (kind === "open_reader") {
    const reader = wanted(await glue.Reader.open(watched(opened, failure), options, listen(id, signal)).catch(failed));
    const about = await reader.about();
    readers.set(number, reader);
    return { of: "reader", value: { reader: number, about, surroundings: runsIn(about.info) } };
  }
  const segmenter = wanted(await glue.Segmenter.open(watched(opened, failure), options, listen(id, signal)).catch(failed));
  const about = await segmenter.about();
  segmenters.set(number, segmenter);
  return { of: "segmenter", value: { segmenter: number, about, surroundings: runsIn(about.info) } };
}

async function segment(request: Extract<Job, { segmenter: number }>, signal: AbortSignal): Promise<Outcome> {
  const segmenter = segmenters.get(request.segmenter);
  if (segmenter === undefined) throw new DynastyError("disposed", `segmenter ${request.segmenter} is not there`);
  switch (request.kind) {
    case "look":
      await segmenter.look(request.rgba, request.width, request.height);
      return { of: "nothing" };
    case "predict":
      return { of: "masks", value: await segmenter.predict(request.prompt) };
    case "everything": {
      const found = await segmenter.everything(request.options, listen(request.id, signal));
      signal.throwIfAborted();
      return { of: "masks", value: found ?? [] };
    }
    case "outline": {
      const part = await parts.get("tasks");
      if (part === undefined) throw new DynastyError("disposed", "the part of the engine that sees is not loaded");
      return { of: "outlines", value: part.glue.Segmenter.outlines(request.mask, request.tolerance) };
    }
    case "close_segmenter":
      segmenters.delete(request.segmenter);
      segmenter.free();
      return { of: "nothing" };
  }
}

async function read(request: Extract<Job, { reader: number }>, signal: AbortSignal): Promise<Outcome> {
  const reader = readers.get(request.reader);
  if (reader === undefined) throw new DynastyError("disposed", `reader ${request.reader} is not there`);
  if (request.kind === "read") return { of: "read", value: await reader.read(request.asked, listen(request.id, signal)) };
  readers.delete(request.reader);
  reader.free();
  return { of: "nothing" };
}

/** Starts a module of its own, once. */
function startPart(part: Part, request: { readonly id: number; readonly modules: string; readonly threads?: number }): Promise<Started> {
  const { id, modules, threads } = request;
  const tell = (flavour: Flavour): void => reply({ kind: "progress", id, progress: { stage: "start", flavour } });
  const found = parts.get(part) ?? startModule(new URL(`${part}/`, modules).href, threads, tell);
  parts.set(part, found);
  found.catch(() => parts.delete(part));
  return found;
}

/** The bytes of what is no random model. */
async function openReal(source: Source, onBytes: OnBytes, signal: AbortSignal): Promise<Opened> {
  const opened = await open(source, onBytes, signal);
  if (opened.kind === "random") throw new DynastyError("argument", "random weights have no texts");
  return opened;
}

/** A model's bytes, or what stands for them. */
async function open(source: Source, onBytes: OnBytes, signal: AbortSignal): Promise<Opened | Extract<Source, { kind: "random" }>> {
  if (source.kind === "random") return source;
  if (source.kind === "files") return openFiles(source.files, onBytes);
  return openUrl(source.url, { fetch: fetch.bind(globalThis), onBytes, signal });
}

function start(request: Load): NonNullable<typeof started> {
  const { id, modules, threads, device } = request;
  started ??= (async () => {
    const tell = (flavour: Flavour): void => reply({ kind: "progress", id, progress: { stage: "start", flavour } });
    const finding: Promise<GpuFound> = device === "wasm" ? Promise.resolve("missing") : addSubgroups();
    const [gpu, module] = await Promise.all([finding, startModule(modules, threads, tell)]);
    return { gpu, engine: new module.glue.Engine({ threads: module.choice.threads }), ...module };
  })();
  started.catch(() => (started = undefined));
  return started;
}

function listen(id: number, signal: AbortSignal): Listener {
  let rested = performance.now();
  return {
    progress: (progress) => reply({ kind: "progress", id, progress }),
    piece: (text) => reply({ kind: "piece", id, text }),
    stopped: () => signal.aborted,
    pause: async () => {
      if (performance.now() - rested < PAUSE_MS) return;
      await nextTask();
      rested = performance.now();
    },
  };
}

const tasks = new MessageChannel();

/** Waits until the messages that have come are heard; a timer would wait 4 ms. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    tasks.port1.onmessage = () => resolve();
    tasks.port2.postMessage(undefined);
  });
}

function countBytes(id: number): (bytes: number) => void {
  let done = 0;
  let told = 0;
  return (bytes) => {
    done += bytes;
    if (performance.now() - told < EVERY_MS) return;
    told = performance.now();
    reply({ kind: "progress", id, progress: { stage: "download", done } });
  };
}

/** The same bytes; what a read fails with is kept. */
function watched(opened: Opened, failure: { error?: unknown }): Opened {
  const keep = (thrown: unknown): never => {
    failure.error = thrown;
    throw thrown;
  };
  const file = <F extends { name: string; size: number; read(start: number, end: number): Promise<readonly Uint8Array[]> }>(f: F) => ({
    name: f.name,
    size: f.size,
    read: (start: number, end: number) => f.read(start, end).catch(keep),
  });
  if (opened.kind === "file") return { kind: "file", file: file(opened.file) };
  const { folder } = opened;
  const open = async (name: string) => {
    const found = await folder.open(name).catch(keep);
    return found && file(found);
  };
  return { kind: "folder", folder: { name: folder.name, open } };
}
