import { type CallOptions, type Hooks, expectOutcome } from "./channel.js";
import { DynastyError } from "./errors.js";
import { TaskModel } from "./held.js";
import type { Answer, Entity, Generated, Label, Mask, ReadRequest, ReadResult, ReaderInfo, Surroundings, Token, Writing } from "./protocol.generated.js";

/** What a reader is, where it runs, and why not faster. */
export type AboutReader = Omit<ReaderInfo, "trial"> & Surroundings;

type Asked<T extends ReadRequest["task"]> = Omit<Extract<ReadRequest, { task: T }>, "task">;

/** How texts are embedded. */
export type EmbedOptions = CallOptions & Omit<Asked<"embed">, "texts">;

/** How masks are filled. */
export type FillMaskOptions = CallOptions & Omit<Asked<"fill_mask">, "text">;

/** How texts are classified. */
export type ClassifyOptions = CallOptions & Omit<Asked<"classify">, "texts">;

/** How questions are answered. */
export type AnswerOptions = CallOptions & Omit<Asked<"answer">, "question" | "text">;

/** How texts are written. */
export interface WriteOptions extends CallOptions, Writing {
  /** Called with each piece of text, of one text after the other. */
  readonly onPiece?: (text: string) => void;
}

/** How texts are translated. */
export type TranslateOptions = WriteOptions & Omit<Asked<"translate">, "texts" | "writing">;

/**
 * A loaded model that reads. Places are counted in code points, as `Array.from(text)` splits a text.
 *
 * A method that the model has no head for rejects with `unsupported`.
 */
export class Reader extends TaskModel<AboutReader> {
  /** A vector for each text. */
  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<readonly (readonly number[])[]> {
    const { hooks, asked: how } = TaskModel.split(options);
    return (await this.ask({ task: "embed", texts: [...texts], ...how }, hooks)).value;
  }

  /** The likeliest words for each mask of a text; `about.mask` is how a mask is written. */
  async fillMask(text: string, options: FillMaskOptions = {}): Promise<readonly Mask[]> {
    const { hooks, asked: how } = TaskModel.split(options);
    return (await this.ask({ task: "fill_mask", text, ...how }, hooks)).value;
  }

  /** The classes of each text, the likeliest first; of pairs, if there is a second text for each. */
  async classify(texts: readonly string[], options: ClassifyOptions = {}): Promise<readonly (readonly Label[])[]> {
    const { hooks, asked: how } = TaskModel.split(options);
    return (await this.ask({ task: "classify", texts: [...texts], ...how }, hooks)).value;
  }

  /** The words of a text that have a class, such as names of people. */
  async entities(text: string, options: CallOptions = {}): Promise<readonly Entity[]> {
    return (await this.ask({ task: "entities", text }, options)).value;
  }

  /** The likeliest answers to a question that stand in a text. */
  async answer(question: string, text: string, options: AnswerOptions = {}): Promise<readonly Answer[]> {
    const { hooks, asked: how } = TaskModel.split(options);
    return (await this.ask({ task: "answer", question, text, ...how }, hooks)).value;
  }

  /** Texts in another language. With more than one beam a text comes as a whole. */
  async translate(texts: readonly string[], options: TranslateOptions = {}): Promise<readonly Generated[]> {
    const { signal, onProgress, onPiece, source, target, ...writing } = options;
    const languages = { ...(source === undefined ? {} : { source }), ...(target === undefined ? {} : { target }) };
    return (await this.ask({ task: "translate", texts: [...texts], ...languages, writing }, { signal, onProgress, ...(onPiece ? { onPiece } : {}) })).value;
  }

  /** Shorter texts. */
  async summarize(texts: readonly string[], options: WriteOptions = {}): Promise<readonly Generated[]> {
    const { signal, onProgress, onPiece, ...writing } = options;
    return (await this.ask({ task: "summarize", texts: [...texts], writing }, { signal, onProgress, ...(onPiece ? { onPiece } : {}) })).value;
  }

  /** Where the tokens of a text begin and end. */
  async tokens(text: string, options: CallOptions = {}): Promise<readonly Token[]> {
    return (await this.ask({ task: "tokens", text }, options)).value;
  }

  private async ask<T extends ReadRequest["task"]>(asked: Extract<ReadRequest, { task: T }>, hooks: Hooks): Promise<Extract<ReadResult, { task: T }>> {
    const { value } = expectOutcome(await this.call({ kind: "read", number: this.id, asked }, hooks), "read");
    if (isOf(value, asked.task)) return value;
    throw new DynastyError("internal", `the engine did ${value.task} where ${asked.task} was asked for`);
  }
}

function isOf<T extends ReadRequest["task"]>(result: ReadResult, task: T): result is Extract<ReadResult, { task: T }> {
  return result.task === task;
}
