/** The engines of the worker: a small one that chats, and one with every family for what that leaves out. */
import { type Job, startPart, tellStart } from "./calls.js";
import { DynastyError } from "./errors.js";
import { type Started, type WasmEngine, startModule } from "./modules.js";
import { type GpuFound, addSubgroups } from "./subgroups.js";

type Load = Extract<Job, { kind: "load" }>;
type Part = "chat" | "tasks";

/** An engine, where it runs and what it found. */
export interface Running extends Started {
  readonly engine: WasmEngine;
  readonly gpu: GpuFound;
}

/** A model, by the number that its engine gave it. */
interface HeldModel {
  readonly engine: WasmEngine;
  readonly model: number;
}

const engines = new Map<Part, Promise<Running>>();
const models = new Map<number, HeldModel>();
let last = 0;

/** Starts the engine of a part, once. */
export function startEngine(part: Part, request: Load): Promise<Running> {
  const found = engines.get(part) ?? begin(part, request);
  engines.set(part, found);
  found.catch(() => engines.delete(part));
  return found;
}

async function begin(part: Part, request: Load): Promise<Running> {
  const { id, modules, threads, device } = request;
  const finding: Promise<GpuFound> = device === "wasm" ? Promise.resolve("missing") : addSubgroups();
  const starting = part === "chat" ? startModule(modules, threads, tellStart(id)) : startPart(part, request);
  const [gpu, module] = await Promise.all([finding, starting]);
  return { gpu, engine: new module.glue.Engine({ threads: module.choice.threads }), ...module };
}

/** Keeps a model under a number of its own. */
export function keepModel(held: HeldModel): number {
  last += 1;
  models.set(last, held);
  return last;
}

/** The model of a number. */
export function heldModel(number: number): HeldModel {
  const held = models.get(number);
  if (held === undefined) throw new DynastyError("disposed", "the model is not loaded");
  return held;
}

/** Frees a model. */
export function freeModel(number: number): void {
  const held = models.get(number);
  models.delete(number);
  held?.engine.dispose(held.model);
}
