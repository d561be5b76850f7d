/** Models that do tasks, in the worker. */
import { type Job, countBytes, listen, openReal, startPart, watched } from "./calls.js";
import { DynastyError } from "./errors.js";
import { gpuSteps } from "./ladder.js";
import type { Glue, Opens, WasmMatcher, WasmReader, WasmSegmenter, WasmViewer } from "./modules.js";
import type { Opened, Outcome, Task } from "./protocol.generated.js";
import { type GpuFound, addSubgroups } from "./subgroups.js";

type Open = Extract<Job, { kind: "open" }>;
type Ask = Extract<Job, { number: number }>;

/** The classes of models by task. */
interface Models {
  readonly reader: WasmReader;
  readonly viewer: WasmViewer;
  readonly matcher: WasmMatcher;
  readonly segmenter: WasmSegmenter;
}

/** Opens a model of a class. */
type OpenClass = <T>(opens: Opens<T>) => Promise<T>;

/** The models that were opened, by their numbers. */
const held: { readonly [T in Task]: Map<number, Models[T]> } = { reader: new Map(), viewer: new Map(), matcher: new Map(), segmenter: new Map() };
let lastNumber = 0;
let glue: Glue | undefined;

/** Loads a model for a task. The module is fetched when the first one is asked for. */
export async function openTask(request: Open, signal: AbortSignal): Promise<Outcome> {
  const { id, task, source, device, known } = request;
  const finding: Promise<GpuFound> = device === "wasm" ? Promise.resolve("missing") : addSubgroups();
  const [gpu, module, opened] = await Promise.all([finding, startPart("tasks", request), openReal(source, countBytes(id), signal)]);
  const { flavour, threads, steps } = module.choice;
  glue = module.glue;
  const failure: { error?: unknown } = {};
  // What a read failed with says more than what the module makes of it.
  const failed = (thrown: unknown): never => {
    throw failure.error ?? thrown;
  };
  const open: OpenClass = (opens) => opens.open(watched(opened, failure), { device, known, threads }, listen(id, signal)).catch(failed);
  const number = ++lastNumber;
  const about = await openAs(number, module.glue, task, open).catch((thrown: unknown) => {
    close(number);
    throw thrown;
  });
  // Nobody may wait for it any more.
  if (signal.aborted) close(number);
  signal.throwIfAborted();
  const surroundings = { flavour, threads, steps: [...gpuSteps(device, gpu, about.info), ...steps] };
  return { of: "opened", value: { number, about, surroundings } };
}

/** Opens a model by the class of its task, and keeps it. */
async function openAs(number: number, glue: Glue, task: Task, open: OpenClass): Promise<Opened> {
  switch (task) {
    case "reader":
      return { task, ...(await keep(number, task, await open(glue.Reader)).about()) };
    case "viewer":
      return { task, ...(await keep(number, task, await open(glue.Viewer)).about()) };
    case "matcher":
      return { task, ...(await keep(number, task, await open(glue.Matcher)).about()) };
    case "segmenter":
      return { task, ...(await keep(number, task, await open(glue.Segmenter)).about()) };
  }
}

function keep<T extends Task>(number: number, task: T, model: Models[T]): Models[T] {
  held[task].set(number, model);
  return model;
}

/** The model of a number that does a task. */
function model<T extends Task>(number: number, task: T): Models[T] {
  const found = held[task].get(number);
  if (found === undefined) throw new DynastyError("disposed", `${task} ${number} is not there`);
  return found;
}

function close(number: number): void {
  for (const models of Object.values(held)) {
    models.get(number)?.free();
    models.delete(number);
  }
}

/** Does what a model is asked. */
export async function doTask(request: Ask, signal: AbortSignal): Promise<Outcome> {
  const { number } = request;
  const listener = listen(request.id, signal);
  switch (request.kind) {
    case "read":
      return { of: "read", value: await model(number, "reader").read(request.asked, listener) };
    case "classify_picture": {
      const { rgba, width, height } = request.picture;
      return { of: "labels", value: await model(number, "viewer").classify(rgba, width, height, request.top_k) };
    }
    case "embed_picture": {
      const { rgba, width, height } = request.picture;
      const matcher = held.matcher.get(number);
      if (matcher) return { of: "vectors", value: [await matcher.embed(rgba, width, height)] };
      return { of: "vectors", value: [await model(number, "viewer").embed(rgba, width, height, request.normalize)] };
    }
    case "attend": {
      const { rgba, width, height } = request.picture;
      return { of: "attention", value: await model(number, "viewer").attend(rgba, width, height) };
    }
    case "attention_map":
      return { of: "weights", value: model(number, "viewer").map(request.wanted) };
    case "match": {
      const { rgba, width, height } = request.picture;
      return { of: "labels", value: await model(number, "matcher").match(rgba, width, height, request.labels, request.template) };
    }
    case "embed_texts":
      return { of: "vectors", value: await model(number, "matcher").embed_texts(request.texts) };
    case "look": {
      const { rgba, width, height } = request.picture;
      await model(number, "segmenter").look(rgba, width, height);
      return { of: "nothing" };
    }
    case "predict":
      return { of: "masks", value: await model(number, "segmenter").predict(request.prompt) };
    case "everything": {
      const found = await model(number, "segmenter").everything(request.options, listener);
      signal.throwIfAborted();
      return { of: "masks", value: found ?? [] };
    }
    case "find": {
      const found = await model(number, "segmenter").find(request.words, model(request.matcher, "matcher"), listener);
      signal.throwIfAborted();
      return { of: "masks", value: found ?? [] };
    }
    case "outline":
      if (glue === undefined) throw new DynastyError("disposed", "the part of the engine that sees is not loaded");
      return { of: "outlines", value: glue.Segmenter.outlines(request.mask, request.tolerance) };
    case "close":
      close(number);
      return { of: "nothing" };
  }
}
