import type { DroppedFile } from "./bytes.js";
import { DynastyError } from "./errors.js";
import type { RandomModel, Source } from "./protocol.generated.js";

/**
 * Where a model comes from: the address of a GGUF file or of a published folder, files or a folder from the user's
 * disk, or random weights of a known shape for benchmarks.
 */
export type ModelSource =
  | string
  | URL
  | File
  | readonly File[]
  | FileList
  | readonly DroppedFile[]
  | FileSystemFileHandle
  | FileSystemDirectoryHandle
  | RandomModel;

/** What is sent to the worker for a source. */
export async function toSource(given: ModelSource, base: string | undefined): Promise<Source> {
  if (typeof given === "string" || given instanceof URL) return { kind: "url", url: absolute(String(given), base) };
  if (given instanceof File) return { kind: "files", files: [dropped(given)] };
  if ("shape" in given) return { kind: "random", shape: given.shape, quant: given.quant };
  if ("kind" in given) return { kind: "files", files: await fromHandle(given) };
  const files = [...given].map((item) => (item instanceof File ? dropped(item) : item));
  if (files.length === 0) throw new DynastyError("argument", "no file was given");
  return { kind: "files", files };
}

function absolute(address: string, base: string | undefined): string {
  if (!URL.canParse(address, base)) throw new DynastyError("argument", `${address}: is no URL`);
  return new URL(address, base).href;
}

function dropped(file: File): DroppedFile {
  return { path: file.webkitRelativePath || file.name, file };
}

async function fromHandle(handle: FileSystemFileHandle | FileSystemDirectoryHandle): Promise<DroppedFile[]> {
  if (handle.kind === "file") return [dropped(await (handle as FileSystemFileHandle).getFile())];
  const files: DroppedFile[] = [];
  await walk(handle as FileSystemDirectoryHandle, `${handle.name}/`, files);
  return files;
}

/** More files than any published model's folder has. */
const MOST_FILES = 10_000;

async function walk(folder: FileSystemDirectoryHandle, path: string, into: DroppedFile[]): Promise<void> {
  for await (const [name, handle] of folder.entries()) {
    if (into.length >= MOST_FILES) throw new DynastyError("argument", `${folder.name}: has too many files for a model`);
    if (handle.kind === "directory") await walk(handle as FileSystemDirectoryHandle, `${path}${name}/`, into);
    else into.push({ path: path + name, file: await (handle as FileSystemFileHandle).getFile() });
  }
}
