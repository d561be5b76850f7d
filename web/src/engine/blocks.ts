/** What is fetched first: most headers, and small files whole. */
const FIRST = 1 << 20;

/** What is fetched at once then: so much that requests cost nothing, so little that a few blocks can be held. */
const BLOCK = 16 << 20;

/** Blocks that are fetched before anybody asks, while what came before them is worked on. */
const AHEAD = 1;

/** Where a block starts. */
const startOf = (block: number): number => (block === 0 ? 0 : FIRST + (block - 1) * BLOCK);

/** The block that a byte is in. */
const blockOf = (at: number): number => (at < FIRST ? 0 : 1 + Math.floor((at - FIRST) / BLOCK));

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
    return Math.min(FIRST, size);
  }

  /** The bytes from `start` to `end` in pieces that follow each other. They are views: whoever keeps them copies them. */
  async read(start: number, end: number): Promise<readonly Uint8Array[]> {
    if (end <= start) return [];
    const forward = start >= this.last;
    this.last = start;
    const [from, to] = [blockOf(start), blockOf(end - 1) + 1];
    this.keep(from, forward ? to + AHEAD : to);
    for (let block = from; block < to + (forward ? AHEAD : 0); block += 1) this.request(block);
    const pieces: Uint8Array[] = [];
    for (let block = from; block < to; block += 1) {
      const bytes = await this.request(block);
      const at = startOf(block);
      pieces.push(bytes.subarray(Math.max(start - at, 0), Math.min(end - at, bytes.length)));
    }
    return pieces;
  }

  /** Lets go of the blocks outside of `from..to`. */
  private keep(from: number, to: number): void {
    for (const block of this.held.keys()) if (block < from || block >= to) this.held.delete(block);
  }

  private request(block: number): Promise<Uint8Array> {
    const start = startOf(block);
    if (start >= this.size) return NOTHING;
    let bytes = this.held.get(block);
    if (bytes === undefined) {
      bytes = this.fetchRange(start, Math.min(startOf(block + 1), this.size));
      // Whoever reads the block hears of its failure; one that nobody reads fails in silence, and is asked for anew.
      bytes.catch(() => this.held.delete(block));
      this.held.set(block, bytes);
    }
    return bytes;
  }
}

const NOTHING = Promise.resolve(new Uint8Array(0));
