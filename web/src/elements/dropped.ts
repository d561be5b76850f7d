import type { DroppedFile } from "../engine/index.js";
import type { Wanted } from "./conversation.js";

/** What was dropped: files, folders, or a link. Nothing if it is none of them. */
export async function readDrop(data: DataTransfer): Promise<Wanted | undefined> {
  const link = data.getData("text/uri-list").split("\n").find((line) => /^https?:/.test(line));
  if (data.files.length === 0 && link !== undefined) return { name: nameOf(link), source: link.trim() };
  // Entries must be taken before the first await: then the list is emptied.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: DroppedFile[] = [];
  for (const entry of entries) await walk(entry, found);
  return chosen(found);
}

/** What was chosen in a file dialog. */
export function readChosen(files: FileList | null): Wanted | undefined {
  return chosen([...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** The last part of an address, as a name. */
export function nameOf(address: string): string {
  const path = address.replace(/[?#].*$/, "").replace(/\/+$/, "");
  return path.slice(path.lastIndexOf("/") + 1) || address;
}

function chosen(files: readonly DroppedFile[]): Wanted | undefined {
  const first = files[0];
  if (first === undefined) return undefined;
  const name = files.length === 1 ? first.file.name : (first.path.split("/")[0] ?? first.file.name);
  return { name, source: files };
}

async function walk(entry: FileSystemEntry, into: DroppedFile[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    into.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const inner of part) await walk(inner, into);
  }
}
