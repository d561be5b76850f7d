import {
  Dynasty,
  DynastyError,
  type DynastyOptions,
  type FinishReason,
  type Message,
  type Model,
  type ModelSource,
  type Progress,
  type Timings,
} from "../engine/index.js";
import { toDynastyError } from "../engine/errors.js";

/** What a chat is doing. */
export type ChatState = "idle" | "loading" | "ready" | "generating" | "error";

/** What was said. */
export interface Turn {
  readonly role: "user" | "assistant";
  text: string;
  /** Of an answer: tokens so far. */
  tokens: number;
  /** Of an answer: tokens per second. */
  speed: number | undefined;
  /** Of an answer: why it ended, once it has. */
  finish: FinishReason | undefined;
}

/** How a model is coming along. */
export interface Loading {
  readonly name: string;
  readonly progress: Progress | undefined;
}

/** How answers are drawn. */
export interface Drawing {
  temperature: number | undefined;
  maxTokens: number | undefined;
}

/** What to load, and what to call it until it tells its own name. */
export interface Wanted {
  readonly name: string;
  readonly source: ModelSource;
}

/** A chat with one model at a time: everything but how it looks. */
export class Conversation {
  state: ChatState = "idle";
  model: Model | undefined;
  loading: Loading | undefined;
  failure: DynastyError | undefined;
  /** Tokens of the prompt that are read, while they are. */
  prefill: { readonly done: number; readonly total: number } | undefined;
  /** Tokens per second of the last prompt that was read. */
  readSpeed: number | undefined;
  /** Tokens per second of the last answer. */
  writeSpeed: number | undefined;
  turns: readonly Turn[] = [];
  readonly drawing: Drawing = { temperature: undefined, maxTokens: undefined };

  private engine: Dynasty | undefined;
  private wanted: Wanted | undefined;
  private stopper = new AbortController();

  constructor(private readonly changed: () => void) {}

  /** Whether a message can be sent. */
  get canSend(): boolean {
    return this.model !== undefined && this.state !== "loading" && this.state !== "generating";
  }

  /** Says that a model will be loaded as soon as it is found. */
  expect(name: string): void {
    this.loading = { name, progress: undefined };
    this.settle("loading");
  }

  /** Loads a model in place of the one before. */
  async load(wanted: Wanted, options: DynastyOptions): Promise<void> {
    this.stop();
    const stopper = this.begin("loading");
    this.wanted = wanted;
    this.loading = { name: wanted.name, progress: undefined };
    this.newChat();
    const old = this.model;
    this.model = undefined;
    try {
      this.engine ??= await Dynasty.create(options);
      await old?.dispose().catch(() => undefined);
      const model = await this.engine.load(wanted.source, {
        signal: stopper.signal,
        onProgress: (progress) => this.tell(stopper, () => (this.loading = { name: wanted.name, progress })),
      });
      if (stopper.signal.aborted || !model.info.writes) void model.dispose();
      if (stopper.signal.aborted) return;
      if (!model.info.writes) throw new DynastyError("unsupported", `${wanted.name}: this model reads texts, it does not write any`);
      this.model = model;
      this.end(stopper, "ready");
    } catch (thrown) {
      this.fail(stopper, thrown);
    }
  }

  /** Loads again what was loaded last. */
  async reload(options: DynastyOptions): Promise<void> {
    if (this.wanted) await this.load(this.wanted, options);
  }

  /** Sends a message and streams the answer into the last turn. */
  async send(text: string): Promise<void> {
    const { model } = this;
    if (!model || !this.canSend || text.trim() === "") return;
    const stopper = this.begin("generating");
    const before = this.turns;
    const answer: Turn = { role: "assistant", text: "", tokens: 0, speed: undefined, finish: undefined };
    this.turns = [...before, { ...answer, role: "user", text }, answer];
    this.changed();
    try {
      await this.write(model, answer, stopper);
      this.end(stopper, "ready");
    } catch (thrown) {
      if (answer.text === "" && !stopper.signal.aborted) this.turns = before;
      answer.finish = "cancelled";
      if (stopper.signal.aborted) this.end(stopper, "ready");
      else this.fail(stopper, thrown);
    }
  }

  /** Ends what is going on. */
  stop(): void {
    this.stopper.abort();
    if (this.state === "loading") this.settle(this.model ? "ready" : "idle");
    if (this.state === "generating") this.settle("ready");
  }

  /** Forgets what was said. */
  newChat(): void {
    if (this.state === "generating") this.stop();
    this.turns = [];
    if (this.state === "error" && this.model) this.settle("ready");
    this.changed();
  }

  /** Puts an error away. */
  dismiss(): void {
    if (this.state === "error") this.settle(this.model ? "ready" : "idle");
  }

  /** Stops the engine. */
  dispose(): void {
    this.stopper.abort();
    this.engine?.dispose();
    this.engine = undefined;
    this.model = undefined;
    this.settle("idle");
  }

  private async write(model: Model, answer: Turn, stopper: AbortController): Promise<void> {
    const { temperature, maxTokens } = this.drawing;
    let first = 0;
    const onPiece = (piece: string): void => this.tell(stopper, () => (answer.text += piece));
    const onProgress = (progress: Progress): void =>
      this.tell(stopper, () => {
        if (progress.stage === "prefill") this.prefill = progress;
        if (progress.stage !== "tokens") return;
        const now = performance.now();
        if (progress.done === 1) first = now;
        this.prefill = undefined;
        answer.tokens = progress.done;
        answer.speed = perSecond(progress.done - 1, now - first);
      });
    const options = {
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      signal: stopper.signal,
      onProgress,
    };
    if (!model.info.chat) {
      const prompt = this.turns.at(-2)?.text ?? "";
      const done = await model.generate(prompt, { ...options, onPiece });
      answer.finish = done.finish_reason;
      return this.measure(answer, done, done.prompt_tokens - done.cached_tokens);
    }
    const messages: Message[] = this.turns.slice(0, -1).map(({ role, text }) => ({ role, content: text }));
    const request = { ...options, messages, stream: true, stream_options: { include_usage: true } } as const;
    let timings: Timings | undefined;
    for await (const chunk of await model.chat.completions.create(request)) {
      const choice = chunk.choices[0];
      if (choice?.delta.content) onPiece(choice.delta.content);
      if (choice?.finish_reason) answer.finish = choice.finish_reason;
      timings ??= chunk.timings;
      if (chunk.usage && timings) {
        this.measure(answer, timings, chunk.usage.prompt_tokens - chunk.usage.prompt_tokens_details.cached_tokens);
      }
    }
  }

  /** Takes the engine's own times in place of those that this thread saw. */
  private measure(answer: Turn, timings: Timings, read: number): void {
    this.readSpeed = perSecond(read, timings.prefill_ms);
    this.writeSpeed = answer.speed = perSecond(answer.tokens - 1, timings.decode_ms);
    this.changed();
  }

  private begin(state: ChatState): AbortController {
    this.stopper = new AbortController();
    this.failure = undefined;
    this.settle(state);
    return this.stopper;
  }

  private end(stopper: AbortController, state: ChatState): void {
    if (stopper === this.stopper && !stopper.signal.aborted) this.settle(state);
    else this.changed();
  }

  private fail(stopper: AbortController, thrown: unknown): void {
    const error = toDynastyError(thrown);
    if (stopper !== this.stopper || stopper.signal.aborted) return;
    if (error.code === "device_lost") void this.model?.dispose().catch(() => undefined);
    if (error.code === "crashed" || error.code === "disposed" || error.code === "device_lost") this.model = undefined;
    this.settle("error");
    this.failure = error;
    this.changed();
  }

  private tell(stopper: AbortController, change: () => void): void {
    if (stopper !== this.stopper || stopper.signal.aborted) return;
    change();
    this.changed();
  }

  private settle(state: ChatState): void {
    this.state = state;
    this.failure = undefined;
    this.prefill = undefined;
    if (state !== "loading") this.loading = undefined;
    this.changed();
  }
}

function perSecond(count: number, ms: number): number | undefined {
  return count > 0 && ms > 0 ? (count * 1000) / ms : undefined;
}
