import { type Call, type CallOptions, type Channel, expectOutcome } from "./channel.js";
import { ChatCompletions } from "./chat.js";
import { Held } from "./held.js";
import type { BenchOptions, Completion, Figures, LoadedInfo, NamedTensor, OutputTensor, PassFigures, Sampling, Surroundings } from "./protocol.generated.js";

/** What a model is, where it runs, and why not faster. */
export type ModelInfo = LoadedInfo & Surroundings;

/** How a text is continued. */
export interface GenerateOptions extends Sampling, CallOptions {
  /** Called with each piece of text. */
  readonly onPiece?: (text: string) => void;
}

/** A loaded model. */
export class Model extends Held {
  /** `chat.completions.create`, in OpenAI's shape. */
  readonly chat: { readonly completions: ChatCompletions };

  constructor(
    channel: Channel,
    id: number,
    /** What the model is and where it runs. */
    readonly info: ModelInfo,
  ) {
    super(channel, id, info.name, { kind: "dispose", model: id });
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

  private async answer(call: Call, hooks: CallOptions & { onPiece?: (text: string) => void }): Promise<Completion> {
    return expectOutcome(await this.call(call, hooks), "completion").value;
  }
}
