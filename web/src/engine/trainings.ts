/** Trainings in the worker. */
import type { Opened } from "./bytes.js";
import { type Job, countBytes, listen, openReal, startPart } from "./calls.js";
import { DynastyError } from "./errors.js";
import type { WasmTrainer } from "./modules.js";
import type { Outcome, Source } from "./protocol.generated.js";

type Train = Extract<Job, { kind: "train" }>;

const trainings = new Map<number, WasmTrainer>();
let lastNumber = 0;

/** Prepares a training. Its module is fetched when the first one is asked for. */
export async function train(request: Train, signal: AbortSignal): Promise<Outcome> {
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

/** Does what a training is asked. */
export async function goOn(request: Extract<Job, { training: number }>, signal: AbortSignal): Promise<Outcome> {
  const trainer = trainings.get(request.training);
  if (trainer === undefined) throw new DynastyError("disposed", `training ${request.training} is not there`);
  switch (request.kind) {
    case "train_steps": {
      const finished = await trainer.steps(request.steps, listen(request.id, signal));
      if (!finished) signal.throwIfAborted();
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
