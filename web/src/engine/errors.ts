import type { ErrorCode } from "./protocol.generated.js";

export type { ErrorCode };

/** The one error of this package. `code` never changes for a kind of error; `message` is one readable line. */
export class DynastyError extends Error {
  override readonly name = "DynastyError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Any thrown value as a `DynastyError`. */
export function toDynastyError(thrown: unknown): DynastyError {
  if (thrown instanceof DynastyError) return thrown;
  if (thrown instanceof DOMException && thrown.name === "AbortError") return aborted();
  if (thrown instanceof WebAssembly.RuntimeError) return new DynastyError("crashed", `the engine stopped: ${thrown.message}`);
  return new DynastyError("internal", thrown instanceof Error ? thrown.message : String(thrown));
}

/** The error of a call that its caller ended. */
export function aborted(): DynastyError {
  return new DynastyError("aborted", "the call was ended by its caller");
}

/** Throws if the caller has ended the call already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted();
}
