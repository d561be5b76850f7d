import { type Answer, Dynasty, type DynastyError, type DynastyOptions, type Entity, type Generated, type Label, type Mask, type Reader, type ReaderTask, type Token } from "../../engine/index.js";
import { toDynastyError } from "../../engine/errors.js";
import type { Loading, Wanted } from "../conversation.js";

/** What the desk is doing. */
export type DeskState = "idle" | "loading" | "ready" | "running" | "error";

/** What a reader is asked. */
export interface Question {
  readonly task: ReaderTask;
  readonly text: string;
  /** Only of `answer`. */
  readonly question: string;
  /** Only of `translate`; empty for the model's own. */
  readonly source: string;
  readonly target: string;
  /** Of what is written; nothing for the model's own. */
  readonly beams: number | undefined;
}

/** What it said. */
export type Found =
  | { readonly task: "fill_mask"; readonly masks: readonly Mask[] }
  | { readonly task: "embed"; readonly texts: readonly string[]; readonly vectors: readonly (readonly number[])[] }
  | { readonly task: "classify"; readonly classes: readonly Label[] }
  | { readonly task: "entities"; readonly entities: readonly Entity[] }
  | { readonly task: "answer"; readonly answers: readonly Answer[] }
  | { readonly task: "translate" | "summarize"; readonly texts: readonly Pick<Generated, "text">[] };

/** What came of a question. */
export interface Result {
  readonly question: Question;
  readonly found: Found;
  /** The tokens of the text. */
  readonly tokens: readonly Token[];
  readonly milliseconds: number;
}

/** Words for a gap, and answers, that are shown. */
const SHOWN = { words: 8, answers: 3 };

/** One reading model at a time: everything but how it looks. */
export class Desk {
  state: DeskState = "idle";
  reader: Reader | undefined;
  loading: Loading | undefined;
  failure: DynastyError | undefined;
  result: Result | undefined;
  /** What is written so far. */
  writing = "";

  private engine: Dynasty | undefined;
  private wanted: Wanted | undefined;
  private stopper = new AbortController();

  constructor(private readonly changed: () => void) {}

  /** Loads a model in place of the one before. */
  async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    const stopper = this.begin("loading");
    [this.wanted, this.result] = [wanted, undefined];
    const tell = (progress: Loading["progress"]): void => {
      if (stopper.signal.aborted) return;
      this.loading = { name: wanted.name, progress };
      this.changed();
    };
    tell(undefined);
    const old = this.reader;
    this.reader = undefined;
    try {
      this.engine ??= await Dynasty.create(options);
      await old?.dispose().catch(() => undefined);
      const reader = await this.engine.loadReader(wanted.source, { signal: stopper.signal, onProgress: tell });
      if (stopper.signal.aborted) return void reader.dispose();
      this.reader = reader;
      this.end(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  /** Loads again what was loaded last. */
  async reload(options: DynastyOptions): Promise<void> {
    if (this.wanted) await this.load(this.wanted, options);
  }

  /** Asks the model. */
  async ask(question: Question): Promise<void> {
    const { reader } = this;
    if (!reader || this.state === "loading" || this.state === "running") return;
    const stopper = this.begin("running");
    [this.writing, this.result] = ["", undefined];
    const onPiece = (piece: string): void => {
      if (stopper.signal.aborted) return;
      this.writing += piece;
      this.changed();
    };
    try {
      const began = performance.now();
      const found = await ask(reader, question, { signal: stopper.signal, onPiece });
      const milliseconds = performance.now() - began;
      const tokens = await reader.tokens(question.text, { signal: stopper.signal });
      if (!stopper.signal.aborted) this.result = { question, found, tokens, milliseconds };
      this.end(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  /** Ends what is going on. */
  stop(): void {
    this.stopper.abort();
    if (this.state === "loading" || this.state === "running") this.settle(this.reader ? "ready" : "idle");
  }

  /** Puts an error away. */
  dismiss(): void {
    if (this.state === "error") this.settle(this.reader ? "ready" : "idle");
  }

  /** Stops the engine. */
  dispose(): void {
    this.stopper.abort();
    this.engine?.dispose();
    this.engine = undefined;
    this.reader = undefined;
  }

  private begin(state: DeskState): AbortController {
    this.stopper.abort();
    this.stopper = new AbortController();
    this.failure = undefined;
    this.settle(state);
    return this.stopper;
  }

  private end(stopper: AbortController, state: DeskState): void {
    if (!stopper.signal.aborted) this.settle(state);
  }

  private fail(stopper: AbortController, thrown: unknown): void {
    if (stopper.signal.aborted) return;
    this.failure = toDynastyError(thrown);
    this.settle("error");
  }

  private settle(state: DeskState): void {
    this.state = state;
    if (state !== "loading") this.loading = undefined;
    if (state !== "error") this.failure = undefined;
    this.changed();
  }
}

async function ask(reader: Reader, wanted: Question, hooks: { readonly signal: AbortSignal; readonly onPiece: (piece: string) => void }): Promise<Found> {
  const { task, text, question, source, target, beams } = wanted;
  const { signal } = hooks;
  const writing = { ...hooks, ...(beams === undefined ? {} : { num_beams: beams }) };
  switch (task) {
    case "fill_mask":
      return { task, masks: await reader.fillMask(text, { top_k: SHOWN.words, signal }) };
    case "embed": {
      const texts = text.split("\n").filter((line) => line.trim() !== "");
      return { task, texts, vectors: await reader.embed(texts, { normalize: true, signal }) };
    }
    case "classify":
      return { task, classes: (await reader.classify([text], { signal }))[0] ?? [] };
    case "entities":
      return { task, entities: await reader.entities(text, { signal }) };
    case "answer":
      return { task, answers: await reader.answer(question, text, { top_k: SHOWN.answers, signal }) };
    case "translate": {
      const languages = { ...(source === "" ? {} : { source }), ...(target === "" ? {} : { target }) };
      return { task, texts: await reader.translate([text], { ...writing, ...languages }) };
    }
    case "summarize":
      return { task, texts: await reader.summarize([text], writing) };
  }
}

/** The cosine of two vectors of length 1. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
