import type { Answer, Dynasty, Entity, Generated, Label, Mask, ModelSource, Reader, ReaderTask, Token } from "../../engine/index.js";
import { type Hooks, ModelWork } from "../work.js";

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
export class Desk extends ModelWork<Reader, "running"> {
  result: Result | undefined;
  /** What is written so far. */
  writing = "";

  protected override open(engine: Dynasty, source: ModelSource, hooks: Hooks): Promise<Reader> {
    return engine.loadReader(source, hooks);
  }

  protected override forgetModel(): void {
    this.result = undefined;
  }

  /** Asks the model. */
  async ask(question: Question): Promise<void> {
    const { model } = this;
    if (!model || this.state === "loading" || this.state === "running") return;
    [this.writing, this.result] = ["", undefined];
    await this.attempt("running", async (signal) => {
      const onPiece = (piece: string): void => {
        if (signal.aborted) return;
        this.writing += piece;
        this.changed();
      };
      const began = performance.now();
      const found = await ask(model, question, { signal, onPiece });
      const milliseconds = performance.now() - began;
      const tokens = await model.tokens(question.text, { signal });
      if (!signal.aborted) this.result = { question, found, tokens, milliseconds };
    });
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
