import { Blocks } from "./blocks.js";
import type { ByteSource, FolderSource, OnBytes, Opened } from "./bytes.js";
import { DynastyError, aborted } from "./errors.js";

/** What reading over the network needs. */
export interface Network {
  readonly fetch: typeof fetch;
  readonly onBytes: OnBytes;
  readonly signal: AbortSignal;
}

/** The largest file that is taken whole from a server that does not answer range requests. */
const LARGEST_WHOLE = 512 << 20;

/** How often a broken connection is tried again. */
const ATTEMPTS = 3;

/** A file behind HTTP range requests. */
export class HttpBytes implements ByteSource {
  private readonly blocks: Blocks;

  private constructor(
    readonly name: string,
    readonly size: number,
    private readonly url: string,
    private readonly version: string | null,
    private readonly network: Network,
    first: Uint8Array,
  ) {
    this.blocks = new Blocks(size, (start, end) => this.range(start, end), first);
  }

  /** Opens a file with its first block; nothing if the server has none there. */
  static async open(url: string, name: string, network: Network): Promise<ByteSource | undefined> {
    const response = await request(url, name, { Range: `bytes=0-${Blocks.firstEnd() - 1}` }, network);
    if (response.status === 404 || response.status === 410) return undefined;
    if (response.status === 416) return new WholeFile(name, new Uint8Array(0));
    if (response.status === 200) return wholeFile(response, name, network);
    if (response.status !== 206) throw refused(name, response);
    const size = Number(/\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(size)) throw new DynastyError("network", `${name}: the server does not tell the file's size`);
    const version = response.headers.get("ETag") ?? response.headers.get("Last-Modified");
    const first = exact(await body(response, name, network), 0, Blocks.firstEnd(size), name);
    return new HttpBytes(name, size, url, version, network, first);
  }

  read(start: number, end: number): Promise<readonly Uint8Array[]> {
    return this.blocks.read(start, end);
  }

  private async range(start: number, end: number): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await request(this.url, this.name, { Range: `bytes=${start}-${end - 1}` }, this.network);
        if (response.status !== 206) throw refused(this.name, response);
        const version = response.headers.get("ETag") ?? response.headers.get("Last-Modified");
        if (version !== this.version) throw new DynastyError("network", `${this.name}: the file changed on the server while it was read`);
        return exact(await body(response, this.name, this.network), start, end, this.name);
      } catch (thrown) {
        if (!(thrown instanceof BrokenConnection) || attempt === ATTEMPTS) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 250 * attempt));
      }
    }
  }
}

/** A file that is in memory. */
class WholeFile implements ByteSource {
  constructor(
    readonly name: string,
    private readonly bytes: Uint8Array,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  async read(start: number, end: number): Promise<readonly Uint8Array[]> {
    return [this.bytes.subarray(start, end)];
  }
}

/** A folder behind a URL. */
export class HttpFolder implements FolderSource {
  constructor(
    readonly name: string,
    private readonly url: URL,
    private readonly network: Network,
  ) {}

  async open(file: string): Promise<ByteSource | undefined> {
    const url = new URL(file.split("/").map(encodeURIComponent).join("/"), this.url);
    url.search = this.url.search;
    return HttpBytes.open(url.href, `${this.name}/${file}`, this.network);
  }
}

/** A model's URL: a GGUF file, a checkpoint file (its folder is opened), or a folder. */
export async function openUrl(address: string, network: Network): Promise<Opened> {
  const url = parse(address);
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const last = decoded(parts.at(-1) ?? url.hostname);
  if (/\.(gguf|bin)$/i.test(last)) {
    const file = await HttpBytes.open(url.href, last, network);
    if (file === undefined) throw new DynastyError("not_found", `${last}: the server has no such file`);
    return { kind: "file", file };
  }
  if (/\.safetensors(\.index\.json)?$/i.test(last)) {
    const folder = new URL(".", url);
    folder.search = url.search;
    return { kind: "folder", folder: new HttpFolder(decoded(parts.at(-2) ?? url.hostname), folder, network) };
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return { kind: "folder", folder: new HttpFolder(last, url, network) };
}

function parse(address: string): URL {
  if (!URL.canParse(address)) throw new DynastyError("argument", `${address}: is no URL`);
  const url = new URL(address);
  if (!["http:", "https:", "blob:"].includes(url.protocol)) {
    throw new DynastyError("argument", `${address}: only http and https addresses can be read`);
  }
  return url;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A connection that failed and may work when tried again. */
class BrokenConnection extends DynastyError {
  constructor(name: string, reason: string) {
    super("network", `${name}: cannot be fetched (${reason})`);
  }
}

async function request(url: string, name: string, headers: Record<string, string>, network: Network): Promise<Response> {
  try {
    return await network.fetch(url, { headers, signal: network.signal });
  } catch (thrown) {
    throw broken(name, thrown, network);
  }
}

/** The bytes of a response, read straight into the place that its length tells of. */
async function body(response: Response, name: string, network: Network): Promise<Uint8Array> {
  const told = Number(response.headers.get("Content-Length") ?? Number.NaN);
  let bytes = new Uint8Array(told <= LARGEST_WHOLE ? told : 1 << 16);
  let length = 0;
  try {
    const read = reader(response.body ?? new Blob([]).stream());
    for (;;) {
      // One more byte tells whether a body is as long as was told.
      const full = length === bytes.length;
      const { done, value, place } = await read(full ? new Uint8Array(1) : bytes.subarray(length));
      if (full && !done) bytes = grown(bytes, length + value.length);
      else if (!full && place !== undefined) bytes = new Uint8Array(place);
      if (done) break;
      if (full || place === undefined) {
        if (length + value.length > bytes.length) bytes = grown(bytes, length + value.length);
        bytes.set(value, length);
      }
      length += value.length;
      network.onBytes(value.length);
    }
  } catch (thrown) {
    throw broken(name, thrown, network);
  }
  return length === bytes.length ? bytes : bytes.slice(0, length);
}

/** Bytes that came; `place` is the memory that was given for them, if they were put there. */
interface Came {
  readonly done: boolean;
  readonly value: Uint8Array;
  readonly place?: ArrayBuffer;
}

/** Reads a stream into memory that is given for it where the browser can, which saves a copy and half of the time. */
function reader(stream: ReadableStream<Uint8Array<ArrayBuffer>>): (into: Uint8Array<ArrayBuffer>) => Promise<Came> {
  const none = new Uint8Array(0);
  try {
    const byob = stream.getReader({ mode: "byob" });
    return async (into) => {
      const { done, value } = await byob.read(into);
      if (value === undefined) throw new TypeError("the connection was closed");
      return { done, value, place: value.buffer };
    };
  } catch {
    const plain = stream.getReader();
    return async () => {
      const { done, value } = await plain.read();
      return { done, value: value ?? none };
    };
  }
}

/** The same bytes with room for `wanted` and more. */
function grown(bytes: Uint8Array, wanted: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(wanted, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

/** The bytes of a range, if they are as many as were asked for. */
function exact(bytes: Uint8Array, start: number, end: number, name: string): Uint8Array {
  if (bytes.length === end - start) return bytes;
  throw new DynastyError("network", `${name}: the server sent ${bytes.length} of ${end - start} bytes`);
}

function broken(name: string, thrown: unknown, network: Network): DynastyError {
  if (network.signal.aborted) return aborted();
  return new BrokenConnection(name, thrown instanceof Error ? thrown.message : String(thrown));
}

function refused(name: string, response: Response): DynastyError {
  return new DynastyError("network", `${name}: the server answers ${response.status} ${response.statusText}`.trimEnd());
}

/** The answer of a server that ignores ranges, if it is small enough to hold. */
async function wholeFile(response: Response, name: string, network: Network): Promise<ByteSource> {
  const size = Number(response.headers.get("Content-Length") ?? Number.NaN);
  if (!(size <= LARGEST_WHOLE)) {
    await response.body?.cancel();
    const told = Number.isNaN(size) ? "does not tell the file's size" : `sends all ${size} bytes at once`;
    throw new DynastyError("network", `${name}: the server does not answer range requests and ${told}`);
  }
  return new WholeFile(name, await body(response, name, network));
}
