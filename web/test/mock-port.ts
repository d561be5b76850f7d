import type { Port } from "../src/engine/channel.js";
import type { Completion, ModelInfo, Outcome, Reply, Request, Trial } from "../src/engine/index.js";

/** How a mock engine behaves. */
export interface Script {
  /** What every answer says, piece by piece. */
  readonly pieces: readonly string[];
  /** Milliseconds before each reply. */
  readonly delayMs: number;
  /** What is different about the model. */
  readonly info?: Partial<ModelInfo>;
  /** How loading fails. */
  readonly fails?: Extract<Reply, { kind: "failed" }>["code"];
  /** Loading stops here and does not go on. */
  readonly stuckAt?: number;
  /** The trial that it makes. */
  readonly trial?: Trial;
}

const INFO: ModelInfo = {
  name: "smollm2-135m-instruct-q8_0.gguf",
  family: "llama",
  parameters: 134_515_008,
  bytes: 143_000_000,
  tensors: 272,
  context: 2048,
  device: "wasm",
  device_name: "cpu, 4 threads",
  kernels: ["q8_0 relaxed-simd", "f32 simd128"],
  reason: "one block takes 0.41 ms on the processor and 2.90 ms on the GPU",
  writes: true,
  chat: true,
  threads: 4,
  flavour: "threads",
  steps: [
    { name: "webgpu", taken: false, reason: "slower" },
    { name: "threads", taken: true, reason: "used" },
    { name: "relaxed_simd", taken: true, reason: "used" },
    { name: "simd", taken: true, reason: "used" },
  ],
};

/** A worker that answers by a script, in the same thread. */
export class MockPort implements Port {
  onmessage: Port["onmessage"] = null;
  onerror: Port["onerror"] = null;
  onmessageerror: Port["onmessageerror"] = null;
  readonly requests: Request[] = [];
  private readonly aborted = new Set<number>();
  private models = 0;
  private closed = false;

  constructor(private readonly script: Script) {}

  postMessage(request: Request): void {
    this.requests.push(request);
    if (request.kind === "abort") this.aborted.add(request.id);
    else void this.answer(request);
  }

  terminate(): void {
    this.closed = true;
  }

  /** Ends as a worker does whose script fails. */
  crash(message: string): void {
    this.onerror?.(new ErrorEvent("error", { message }));
  }

  private async answer(request: Exclude<Request, { kind: "abort" }>): Promise<void> {
    const { id } = request;
    const outcome = await this.outcome(request);
    if (this.closed || this.aborted.has(id) || outcome === undefined) return;
    if (request.kind === "load" && this.script.fails) {
      const message = `${this.script.info?.name ?? INFO.name}: tensor blk.3.ffn_up.weight at byte 41,943,040 ends behind the file's end`;
      return this.reply({ kind: "failed", id, code: this.script.fails, message });
    }
    this.reply({ kind: "done", id, outcome });
  }

  private async outcome(request: Exclude<Request, { kind: "abort" }>): Promise<Outcome | undefined> {
    switch (request.kind) {
      case "load":
        return this.load(request.id);
      case "chat":
      case "generate":
        return { of: "completion", value: await this.write(request.id) };
      case "tokenize":
        return { of: "tokens", value: [...new TextEncoder().encode(request.text)] };
      case "forward":
        return { of: "tensors", value: request.inputs.map((input) => ({ ...input, values: Float32Array.from(input.values) })) };
      case "bench":
      case "dispose":
        return { of: "nothing" };
    }
  }

  private async load(id: number): Promise<Outcome | undefined> {
    const total = 143_000_000;
    await this.tell(id, { stage: "start", flavour: "threads" });
    await this.tell(id, { stage: "download", done: 1 << 20 });
    for (let part = 1; part <= 10; part += 1) {
      await this.tell(id, { stage: "load", done: (total * part) / 10, total });
      if (this.script.stuckAt === part) return undefined;
    }
    await this.tell(id, { stage: "compile", done: 1, total: 3 });
    const info = { ...INFO, ...this.script.info };
    const { threads, flavour, steps } = info;
    return { of: "load", value: { model: ++this.models, info, surroundings: { threads, flavour, steps }, trial: this.script.trial ?? null } };
  }

  private async write(id: number): Promise<Completion> {
    const { pieces } = this.script;
    await this.tell(id, { stage: "prefill", done: 12, total: 12 });
    for (const [i, text] of pieces.entries()) {
      if (this.aborted.has(id)) break;
      this.reply({ kind: "piece", id, text });
      await this.tell(id, { stage: "tokens", done: i + 1 });
    }
    const finish_reason = this.aborted.has(id) ? "cancelled" : "stop";
    const token_ids = pieces.map((_, i) => i);
    return { token_ids, text: pieces.join(""), finish_reason, prompt_tokens: 12, cached_tokens: 4, prefill_ms: 80, decode_ms: 20 };
  }

  private async tell(id: number, progress: Extract<Reply, { kind: "progress" }>["progress"]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.script.delayMs));
    this.reply({ kind: "progress", id, progress });
  }

  private reply(reply: Reply): void {
    if (!this.closed) this.onmessage?.(new MessageEvent("message", { data: reply }));
  }
}
