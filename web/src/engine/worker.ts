/** The engine's worker: takes requests one after the other, and stops in between. */
import { type Job, countBytes, listen, open, reply, watched } from "./calls.js";
import { type Running, freeModel, heldModel, keepModel, startEngine } from "./engines.js";
import { DynastyError, toDynastyError } from "./errors.js";
import { gpuSteps } from "./ladder.js";
import type { Loaded } from "./modules.js";
import type { Figures, Outcome, PassFigures, Request, Surroundings } from "./protocol.generated.js";
import { doTask, openTask } from "./tasks.js";
import { goOn, train } from "./trainings.js";

type Load = Extract<Request, { kind: "load" }>;

const running = new Map<number, AbortController>();
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
  if (request.kind === "open") return openTask(request, signal);
  if ("number" in request) return doTask(request, signal);
  if (request.kind === "dispose") {
    freeModel(request.model);
    return { of: "nothing" };
  }
  const { engine, model } = heldModel(request.model);
  const listener = listen(request.id, signal);
  switch (request.kind) {
    case "chat":
      return { of: "completion", value: await engine.chat(model, request.messages, request.sampling, listener) };
    case "generate":
      return { of: "completion", value: await engine.generate(model, request.prompt, request.sampling, listener) };
    case "tokenize":
      return { of: "tokens", value: await engine.tokenize(model, request.text) };
    case "forward":
      return { of: "tensors", value: await engine.forward(model, request.inputs) };
    case "bench":
      return measured(await engine.bench(model, request.options, listener));
  }
}

function measured(figures: Figures | PassFigures): Outcome {
  return "latency_ms" in figures ? { of: "pass_figures", value: figures } : { of: "figures", value: figures };
}

async function load(request: Load, signal: AbortSignal): Promise<Outcome> {
  const { id, source, device, context, known } = request;
  const onBytes = countBytes(id);
  // The module is compiled while the model's header comes.
  const [small, opened] = await Promise.all([startEngine("chat", request), open(source, onBytes, signal)]);
  const options = { device, known, ...(context === undefined ? {} : { context }) };
  const listener = listen(id, signal);
  try {
    return await loadWith(small);
  } catch (thrown) {
    if (fromWasm(thrown).code !== "unsupported" || signal.aborted) throw thrown;
    // A family or kind of file that the module which chats leaves out.
    const whole = await startEngine("tasks", request).catch((): never => {
      throw thrown;
    });
    return loadWith(whole);
  }

  async function loadWith(running: Running): Promise<Outcome> {
    if (opened.kind === "random") return loaded(running, await running.engine.load_random(opened.shape, opened.quant, options, listener));
    const failure: { error?: unknown } = {};
    try {
      return loaded(running, await running.engine.load(watched(opened, failure), options, listener));
    } catch (thrown) {
      // What a read failed with says more than what the module makes of it.
      throw failure.error ?? thrown;
    }
  }

  function loaded({ engine, choice, gpu }: Running, { model, info, trial }: Loaded): Outcome {
    // Nobody waits for it any more.
    if (signal.aborted) engine.dispose(model);
    signal.throwIfAborted();
    const { flavour, threads } = choice;
    const steps = [...gpuSteps(device, gpu, info), ...choice.steps];
    const surroundings: Surroundings = { flavour, threads, steps };
    return { of: "load", value: { model: keepModel({ engine, model }), info, surroundings, trial } };
  }
}
