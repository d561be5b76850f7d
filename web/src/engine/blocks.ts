/** What is fetched at once: large enough that a request costs little, small enough that a few are held at no pain. */
const BLOCK = 4 << 20;

/** Blocks that are fetched before anybody asks, while what came before them is worked on. */
const AHEAD = 2;

/** Exactly the bytes from `start` to `end`. */
export type FetchRange = (start: number, end: number) => Promise<Uint8Array>;

/** A file in blocks: each is fetched once as long as reads go forward, and the next ones come ahead of the reads. */
export class Blocks {
  private readonly held = new Map<number, Promise<Uint8Array>>();
  private last = 0;

  /** `first` are the file's first bytes, if they have come already. */
  constructor(
    private readonly size: number,
    private readonly fetchRange: FetchRange,
    first?: Uint8Array,
  ) {
    if (first !== undefined) this.held.set(0, Promise.resolve(first));
  }

  /** Where the first block ends. */
  static firstEnd(size = Number.POSITIVE_INFINITY): number {
    return Math.min(BLOCK, size);
  }

  /** The bytes from `start` to `end` in pieces that follow each other. They are views: whoever keeps them copies them. */
  async read(start: number, end: number): Promise<readonly Uint8Array[]> {
    if (end <= start) return [];
    const forward = start >= this.last;
    this.last = start;
    const [from, to] = [Math.floor(start / BLOCK), Math.ceil(end / BLOCK)];
    this.keep(from, forward ? to + AHEAD : to);
    for (let block = from; block < to + (forward ? AHEAD : 0); block += 1) this.request(block);
    const pieces: Uint8Array[] = [];
    for (let block = from; block < to; block += 1) {
      const bytes = await this.request(block);
      const at = block * BLOCK;
      pieces.push(bytes.subarray(Math.max(start - at, 0), Math.min(end - at, bytes.length)));
    }
    return pieces;
  }

  /** Lets go of the blocks outside of `from..to`. */
  private keep(from: number, to: number): void {
    for (const block of this.held.keys()) if (block < from || block >= to) this.held.delete(block);
  }

  private request(block: number): Promise<Uint8Array> {
    const start = block * BLOCK;
    if (start >= this.size) return NOTHING;
    let bytes = this.held.get(block);
    if (bytes === undefined) {
      bytes = this.fetchRange(start, Math.min(start + BLOCK, this.size));
      // Whoever reads the block hears of its failure; one that nobody reads fails in silence, and is asked for anew.
      bytes.catch(() => this.held.delete(block));
      this.held.set(block, bytes);
    }
    return bytes;
  }
}

const NOTHING = Promise.resolve(new Uint8Array(0));
