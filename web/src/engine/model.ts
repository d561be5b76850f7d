import { type Call, type CallOptions, type Channel, expectOutcome } from "./channel.js";
import { ChatCompletions } from "./chat.js";
import { DynastyError } from "./errors.js";
import type { BenchOptions, Completion, Figures, LoadedInfo, NamedTensor, Outcome, OutputTensor, PassFigures, Sampling, Surroundings } from "./protocol.generated.js";

/** What a model is, where it runs, and why not faster. */
export type ModelInfo = LoadedInfo & Surroundings;

/** How a text is continued. */
export interface GenerateOptions extends Sampling, CallOptions {
  /** Called with each piece of text. */
  readonly onPiece?: (text: string) => void;
}

/** A loaded model. */
export class Model {
  /** `chat.completions.create`, in OpenAI's shape. */
  readonly chat: { readonly completions: ChatCompletions };
  private readonly generation: number;
  private disposed = false;

  constructor(
    private readonly channel: Channel,
    private readonly id: number,
    /** What the model is and where it runs. */
    readonly info: ModelInfo,
  ) {
    this.generation = channel.generation;
    this.chat = { completions: new ChatCompletions(info.name, (messages, sampling, hooks) => this.answer({ kind: "chat", model: id, messages, sampling }, hooks)) };
  }

  /** Continues a text, exactly as it is given. */
  async generate(prompt: string, options: GenerateOptions = {}): Promise<Completion> {
    const { signal, onProgress, onPiece, ...sampling } = options;
    const hooks = { signal, onProgress, ...(onPiece ? { onPiece } : {}) };
    return this.answer({ kind: "generate", model: this.id, prompt, sampling }, hooks);
  }

  /** The tokens of a text, with the special tokens that the model's tokenizer adds. */
  async tokenize(text: string, options: CallOptions = {}): Promise<readonly number[]> {
    const outcome = await this.call({ kind: "tokenize", model: this.id, text }, options);
    return expectOutcome(outcome, "tokens").value;
  }

  /** One forward pass; inputs and outputs have the reference library's names, such as `input_ids` and `logits`. */
  async forward(inputs: readonly NamedTensor[], options: CallOptions = {}): Promise<readonly OutputTensor[]> {
    const outcome = await this.call({ kind: "forward", model: this.id, inputs: [...inputs] }, options);
    return expectOutcome(outcome, "tensors").value;
  }

  /** Measures prefill and decode, or one forward pass of a model that does not write: medians of several runs from random tokens. */
  async bench(options: BenchOptions & CallOptions = {}): Promise<Figures | PassFigures> {
    const { signal, onProgress, ...wanted } = options;
    const outcome = await this.call({ kind: "bench", model: this.id, options: wanted }, { signal, onProgress });
    return outcome.of === "pass_figures" ? outcome.value : expectOutcome(outcome, "figures").value;
  }

  /** Frees the model. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.generation !== this.channel.generation) return;
    await this.channel.call({ kind: "dispose", model: this.id });
  }

  private async answer(call: Call, hooks: CallOptions & { onPiece?: (text: string) => void }): Promise<Completion> {
    return expectOutcome(await this.call(call, hooks), "completion").value;
  }

  private async call(call: Call, hooks: CallOptions): Promise<Outcome> {
    if (this.disposed) throw new DynastyError("disposed", `${this.info.name}: has been disposed of`);
    if (this.generation !== this.channel.generation) {
      throw new DynastyError("disposed", `${this.info.name}: was lost with its worker and must be loaded again`);
    }
    return this.channel.call(call, hooks);
  }
}
