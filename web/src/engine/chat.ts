import type { CallOptions } from "./channel.js";
import { aborted, toDynastyError } from "./errors.js";
import type { Completion, Message, Sampling } from "./protocol.generated.js";

/** What `chat.completions.create` takes: OpenAI's parameters, and the other ways to draw tokens. */
export interface ChatRequest extends Omit<Sampling, "stop">, CallOptions {
  readonly messages: readonly Message[];
  readonly stop?: string | readonly string[];
  /** The name of the model is not needed: the call is the model's own. */
  readonly model?: string;
}

/** A streamed request. */
export interface StreamedChatRequest extends ChatRequest {
  readonly stream: true;
  readonly stream_options?: { readonly include_usage?: boolean };
}

/** Tokens that were read and written. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** How long an answer took. */
export interface Timings {
  /** Milliseconds from the call to the first token. */
  readonly prefill_ms: number;
  /** Milliseconds from the first token to the last. */
  readonly decode_ms: number;
}

/** A whole answer. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    { readonly index: 0; readonly message: Message & { readonly role: "assistant" }; readonly finish_reason: ChatFinish },
  ];
  readonly usage: Usage;
  readonly timings: Timings;
}

/** A piece of an answer. */
export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: { readonly role?: "assistant"; readonly content?: string };
    readonly finish_reason: ChatFinish | null;
  }[];
  readonly usage?: Usage;
  readonly timings?: Timings;
}

/** Why an answer ended. */
export type ChatFinish = "stop" | "length";

type Pieces = CallOptions & { onPiece?: (text: string) => void };
type Run = (messages: Message[], sampling: Sampling, hooks: Pieces) => Promise<Completion>;

let answers = 0;

/** Chats with a model. What a conversation shares with the one before is not read again. */
export class ChatCompletions {
  constructor(
    private readonly model: string,
    private readonly run: Run,
  ) {}

  /** Answers the last message: as a stream of chunks, or whole. Rejects with `aborted` when `signal` ends it. */
  create(request: StreamedChatRequest): Promise<AsyncIterableIterator<ChatCompletionChunk>>;
  create(request: ChatRequest & { readonly stream?: false }): Promise<ChatCompletion>;
  async create(
    request: StreamedChatRequest | (ChatRequest & { readonly stream?: false }),
  ): Promise<AsyncIterableIterator<ChatCompletionChunk> | ChatCompletion> {
    const head = { id: `chatcmpl-${++answers}`, created: Math.floor(Date.now() / 1000), model: this.model };
    const { messages, sampling, hooks } = split(request);
    if (request.stream === true) {
      return this.stream(head, messages, sampling, hooks, request.stream_options?.include_usage === true);
    }
    const done = await this.run(messages, sampling, hooks);
    return {
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: done.text }, finish_reason: finishOf(done) }],
      usage: usageOf(done),
      timings: timingsOf(done),
    };
  }

  private async *stream(
    head: Pick<ChatCompletionChunk, "id" | "created" | "model">,
    messages: Message[],
    sampling: Sampling,
    hooks: CallOptions,
    includeUsage: boolean,
  ): AsyncGenerator<ChatCompletionChunk, undefined> {
    const chunk = { ...head, object: "chat.completion.chunk" as const };
    const stop = new AbortController();
    const signal = hooks.signal ? AbortSignal.any([hooks.signal, stop.signal]) : stop.signal;
    const pieces = new Pipe<string>();
    const answer = this.run(messages, sampling, { ...hooks, signal, onPiece: (text) => pieces.push(text) });
    answer.then(() => pieces.end(), (thrown: unknown) => pieces.fail(toDynastyError(thrown)));
    try {
      yield { ...chunk, choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] };
      for await (const content of pieces) {
        yield { ...chunk, choices: [{ index: 0, delta: { content }, finish_reason: null }] };
      }
      const done = await answer;
      yield { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: finishOf(done) }], timings: timingsOf(done) };
      if (includeUsage) yield { ...chunk, choices: [], usage: usageOf(done) };
    } finally {
      stop.abort();
    }
  }
}

function split(request: StreamedChatRequest | ChatRequest): { messages: Message[]; sampling: Sampling; hooks: CallOptions } {
  const { messages, signal, onProgress, stop, model: _, ...rest } = request;
  const { stream: _stream, stream_options: _options, ...sampling } = { stream: true, stream_options: {}, ...rest };
  const stops = typeof stop === "string" ? [stop] : stop && [...stop];
  return {
    messages: messages.map(({ role, content }) => ({ role, content })),
    sampling: { ...sampling, ...(stops ? { stop: stops } : {}) },
    hooks: { signal, onProgress },
  };
}

function finishOf(done: Completion): ChatFinish {
  if (done.finish_reason === "cancelled") throw aborted();
  return done.finish_reason;
}

function usageOf(done: Completion): Usage {
  const completion_tokens = done.token_ids.length;
  const { prompt_tokens, cached_tokens } = done;
  const total_tokens = prompt_tokens + completion_tokens;
  return { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details: { cached_tokens } };
}

function timingsOf(done: Completion): Timings {
  return { prefill_ms: done.prefill_ms, decode_ms: done.decode_ms };
}

/** Values that come before they are asked for. */
class Pipe<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private ended: { readonly error?: Error } | undefined;
  private wake: () => void = () => undefined;

  push(value: T): void {
    this.waiting.push(value);
    this.wake();
  }

  end(): void {
    this.ended = {};
    this.wake();
  }

  fail(error: Error): void {
    this.ended = { error };
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    for (;;) {
      yield* this.waiting.splice(0);
      if (this.waiting.length > 0) continue;
      if (this.ended?.error) throw this.ended.error;
      if (this.ended) return;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
