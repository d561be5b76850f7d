import { type Call, type CallOptions, type Channel, type Hooks } from "./channel.js";
import { DynastyError } from "./errors.js";
import type { Outcome } from "./protocol.generated.js";

/** Something that the worker holds. Calls to it reject with `disposed` once it, or its worker, is gone. */
export abstract class Held {
  private readonly generation: number;
  private disposed = false;

  /** `name` is how errors call it, `closing` the call that frees it. */
  protected constructor(
    private readonly channel: Channel,
    protected readonly id: number,
    private readonly name: string,
    private readonly closing: Call,
  ) {
    this.generation = channel.generation;
  }

  /** Frees it. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.generation !== this.channel.generation) return;
    await this.channel.call(this.closing);
  }

  protected async call(call: Call, hooks: Hooks = {}): Promise<Outcome> {
    if (this.disposed) throw new DynastyError("disposed", `${this.name}: has been disposed of`);
    if (this.generation !== this.channel.generation) throw new DynastyError("disposed", `${this.name}: was lost with its worker and must be loaded again`);
    return this.channel.call(call, hooks);
  }
}

/** A model that does a task. */
export abstract class TaskModel<About extends { readonly info: { readonly name: string } }> extends Held {
  constructor(
    channel: Channel,
    id: number,
    /** What it is, what it can do and where it runs. */
    readonly about: About,
  ) {
    super(channel, id, about.info.name, { kind: "close", number: id });
  }

  /** Splits a call's options from what is asked. */
  protected static split<O extends CallOptions>(options: O): { hooks: CallOptions; asked: Omit<O, keyof CallOptions> } {
    const { signal, onProgress, ...asked } = options;
    return { hooks: { signal, onProgress }, asked };
  }
}
