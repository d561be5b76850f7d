import { DynastyError, aborted, toDynastyError } from "./errors.js";
import type { Outcome, Progress, Reply, Request } from "./protocol.generated.js";

/** What the engine needs of a worker. */
export interface Port {
  postMessage(request: Request): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
}

/** Called with each step of a long call. */
export type OnProgress = (progress: Progress) => void;

/** What a caller of a long call may give. */
export interface CallOptions {
  /** Ends the call; it then rejects with the code `aborted`. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** What a call may hear. */
export interface Hooks extends CallOptions {
  readonly onPiece?: (text: string) => void;
  /** A call that `signal` ends is still heard until the worker has stopped, because what it tells is a result. */
  readonly heardToTheEnd?: boolean;
}

interface Pending extends Hooks {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: DynastyError) => void;
}

type WithoutId<R> = R extends { id: number } ? Omit<R, "id"> : never;

/** A request that has no number yet. */
export type Call = WithoutId<Exclude<Request, { kind: "abort" }>>;

/** Calls to the worker and their answers. A lost worker rejects what is pending; the next call starts a new one. */
export class Channel {
  private port: Port | undefined;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  /** Counts workers: a model of an older one is gone. */
  generation = 0;

  constructor(private readonly connect: () => Port) {}

  /** Sends a request and waits for its outcome. */
  call(call: Call, hooks: Hooks = {}): Promise<Outcome> {
    const { signal, heardToTheEnd = false } = hooks;
    if (signal?.aborted === true) return Promise.reject(aborted());
    const id = ++this.lastId;
    return new Promise<Outcome>((resolve, reject) => {
      const onAbort = (): void => {
        this.port?.postMessage({ kind: "abort", id });
        if (!heardToTheEnd) this.take(id)?.reject(aborted());
      };
      const settle = (): void => signal?.removeEventListener("abort", onAbort);
      this.pending.set(id, {
        ...hooks,
        resolve: (outcome) => (settle(), resolve(outcome)),
        reject: (error) => (settle(), reject(error)),
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      this.send({ ...call, id });
    });
  }

  /** Stops the worker; pending calls are rejected with `error`. */
  close(error: DynastyError): void {
    const { port } = this;
    this.port = undefined;
    this.generation += 1;
    port?.terminate();
    for (const id of [...this.pending.keys()]) this.take(id)?.reject(error);
  }

  private send(request: Request): void {
    try {
      this.port ??= this.open();
      this.port.postMessage(request);
    } catch (thrown) {
      this.take(request.id)?.reject(toDynastyError(thrown));
    }
  }

  private open(): Port {
    const port = this.connect();
    port.onmessage = (event) => this.receive(event.data);
    port.onerror = (event) => this.lose(event.message || "its script cannot be loaded");
    port.onmessageerror = () => this.lose("a message could not be read");
    return port;
  }

  private lose(reason: string): void {
    this.close(new DynastyError("crashed", `the engine's worker stopped: ${reason}`));
  }

  private receive(reply: Reply): void {
    const pending = this.pending.get(reply.id);
    switch (reply.kind) {
      case "progress":
        return pending?.onProgress?.(reply.progress);
      case "piece":
        return pending?.onPiece?.(reply.text);
      case "done":
        return this.take(reply.id)?.resolve(reply.outcome);
      case "failed":
        this.take(reply.id)?.reject(new DynastyError(reply.code, reply.message));
        if (reply.code === "crashed") this.lose(reply.message);
        return;
    }
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }
}

/** The value of an outcome of the kind that the call must have. */
export function expectOutcome<K extends Outcome["of"]>(outcome: Outcome, of: K): Extract<Outcome, { of: K }> {
  if (isOutcome(outcome, of)) return outcome;
  throw new DynastyError("internal", `the engine answered ${outcome.of} where ${of} was expected`);
}

function isOutcome<K extends Outcome["of"]>(outcome: Outcome, of: K): outcome is Extract<Outcome, { of: K }> {
  return outcome.of === of;
}
