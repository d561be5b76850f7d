import { type Channel, expectOutcome } from "./channel.js";
import { Held } from "./held.js";
import type { NamedFile, Surroundings, TrainRecord } from "./protocol.generated.js";

/** What a training begins with, where it runs, and why not faster. */
export type TrainingInfo = Extract<TrainRecord, { kind: "run" }> & Surroundings;

/** How a training goes on. */
export interface TrainOptions {
  /** How many steps; by default all that are left. */
  readonly steps?: number | undefined;
  /** Called with each step's loss and tokens a second, held-out losses and samples. */
  readonly onRecord?: ((record: TrainRecord) => void) | undefined;
  /** Ends the call after the step that is being taken; the training can go on from there. */
  readonly signal?: AbortSignal | undefined;
}

/** A model in training. */
export class Training extends Held {
  constructor(
    channel: Channel,
    id: number,
    /** What it begins with and where it runs. */
    readonly info: TrainingInfo,
  ) {
    super(channel, id, "the training", { kind: "end_training", training: id });
  }

  /** Takes steps; whether the recipe's last one is done. Rejects with `diverged` if the loss has left every bound. */
  async run(options: TrainOptions = {}): Promise<boolean> {
    const { steps, onRecord, signal } = options;
    const outcome = await this.call({ kind: "train_steps", training: this.id, ...(steps === undefined ? {} : { steps }) }, {
      signal,
      heardToTheEnd: true,
      onProgress: (progress) => {
        if (progress.stage === "train") onRecord?.(progress.record);
      },
    });
    return expectOutcome(outcome, "steps").value.finished;
  }

  /** The model as it is now: the files of a folder, or with a type such as `q8_0` one GGUF file. */
  async files(quant?: string): Promise<readonly NamedFile[]> {
    const outcome = await this.call({ kind: "trained_files", training: this.id, ...(quant === undefined ? {} : { quant }) });
    return expectOutcome(outcome, "files").value;
  }
}
