import { Blocks } from "./blocks.js";
import { DynastyError } from "./errors.js";

/** A file that is read by ranges. The wasm module calls it by these names. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Exactly the bytes from `start` to `end`, in pieces that follow each other and are copied at once. */
  read(start: number, end: number): Promise<readonly Uint8Array[]>;
}

/** A folder of files. The wasm module calls it by these names. */
export interface FolderSource {
  readonly name: string;
  /** One file, or nothing if the folder has none of that name. */
  open(file: string): Promise<ByteSource | undefined>;
}

/** A model's bytes: one file, or a folder. */
export type Opened = { readonly kind: "file"; readonly file: ByteSource } | { readonly kind: "folder"; readonly folder: FolderSource };

/** Bytes that have come so far; called after each read. */
export type OnBytes = (bytes: number) => void;

/** A file from the user's disk. */
export class BlobBytes implements ByteSource {
  private readonly blocks: Blocks;

  constructor(
    readonly name: string,
    private readonly blob: Blob,
    private readonly onBytes: OnBytes,
  ) {
    this.blocks = new Blocks(blob.size, (start, end) => this.range(start, end));
  }

  get size(): number {
    return this.blob.size;
  }

  read(start: number, end: number): Promise<readonly Uint8Array[]> {
    return this.blocks.read(start, end);
  }

  private async range(start: number, end: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(await this.blob.slice(start, end).arrayBuffer());
      this.onBytes(bytes.length);
      return bytes;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new DynastyError("not_found", `${this.name}: cannot be read from the disk any more (${reason})`);
    }
  }
}

/** Files from the user's disk, by their path inside the dropped folder. */
export class FileFolder implements FolderSource {
  constructor(
    readonly name: string,
    private readonly files: ReadonlyMap<string, Blob>,
    private readonly onBytes: OnBytes,
  ) {}

  async open(file: string): Promise<ByteSource | undefined> {
    const blob = this.files.get(file);
    return blob && new BlobBytes(`${this.name}/${file}`, blob, this.onBytes);
  }
}

/** A dropped file with its path inside what was dropped. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

const SINGLE = /\.(gguf|bin)$/i;

/** What was dropped or chosen: one file that is a model by itself, or a folder. */
export function openFiles(dropped: readonly DroppedFile[], onBytes: OnBytes): Opened {
  const [first] = dropped;
  if (first === undefined) throw new DynastyError("argument", "no file was given");
  if (dropped.length === 1 && SINGLE.test(first.file.name)) {
    return { kind: "file", file: new BlobBytes(first.file.name, first.file, onBytes) };
  }
  const root = commonFolder(dropped.map((d) => d.path));
  const files = new Map<string, Blob>(dropped.map((d) => [d.path.slice(root.length), d.file]));
  const singles = dropped.filter((d) => SINGLE.test(d.file.name));
  if (!files.has("config.json") && singles.length === 1 && singles[0] !== undefined) return openFiles(singles, onBytes);
  const name = root.split("/").filter((part) => part !== "").at(-1) ?? "model";
  return { kind: "folder", folder: new FileFolder(name, files, onBytes) };
}

/** The folder that holds `config.json`, else the one that holds everything: a prefix that ends with a slash, or nothing. */
function commonFolder(paths: readonly string[]): string {
  const configs = paths.filter((path) => path === "config.json" || path.endsWith("/config.json"));
  const config = configs.sort((a, b) => a.length - b.length)[0];
  const shown = config ?? paths[0] ?? "";
  return shown.slice(0, shown.lastIndexOf("/") + 1);
}
