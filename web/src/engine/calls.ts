/** What every call of the worker needs: its replies, its bytes, and how it hears that it was ended. */
import { type OnBytes, type Opened, openFiles } from "./bytes.js";
import { DynastyError } from "./errors.js";
import { openUrl } from "./http.js";
import { type Listener, type Started, startModule } from "./modules.js";
import type { Flavour, Reply, Request, Source } from "./protocol.generated.js";

/** A request that is worked on. */
export type Job = Exclude<Request, { kind: "abort" }>;

/** A page hears of its download this often. */
const EVERY_MS = 100;

/** A worker hears its messages this often. */
const PAUSE_MS = 8;

/** The modules that train and that do tasks; each has a memory of its own. */
const parts = new Map<"tasks" | "train", Promise<Started>>();

/** Tells the page something. */
export function reply(message: Reply): void {
  self.postMessage(message);
}

/** Tells the page that a module is fetched. */
export function tellStart(id: number): (flavour: Flavour) => void {
  return (flavour) => reply({ kind: "progress", id, progress: { stage: "start", flavour } });
}

/** Starts a module of its own, once. */
export function startPart(part: "tasks" | "train", request: { readonly id: number; readonly modules: string; readonly threads?: number }): Promise<Started> {
  const { id, modules, threads } = request;
  const found = parts.get(part) ?? startModule(new URL(`${part}/`, modules).href, threads, tellStart(id));
  parts.set(part, found);
  found.catch(() => parts.delete(part));
  return found;
}

/** The bytes of what is no random model. */
export async function openReal(source: Source, onBytes: OnBytes, signal: AbortSignal): Promise<Opened> {
  const opened = await open(source, onBytes, signal);
  if (opened.kind === "random") throw new DynastyError("argument", "random weights have no texts");
  return opened;
}

/** A model's bytes, or what stands for them. */
export async function open(source: Source, onBytes: OnBytes, signal: AbortSignal): Promise<Opened | Extract<Source, { kind: "random" }>> {
  if (source.kind === "random") return source;
  if (source.kind === "files") return openFiles(source.files, onBytes);
  return openUrl(source.url, { fetch: fetch.bind(globalThis), onBytes, signal });
}

/** How the wasm module speaks to a call. */
export function listen(id: number, signal: AbortSignal): Listener {
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

/** Tells the page how many bytes came. */
export function countBytes(id: number): (bytes: number) => void {
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
export function watched(opened: Opened, failure: { error?: unknown }): Opened {
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
