import type { DeviceChoice, Flavour, LoadedInfo, Step } from "./protocol.generated.js";
import type { GpuFound } from "./subgroups.js";

/** What a page offers to the engine. */
export interface Surroundings {
  /** The page is cross-origin isolated and has SharedArrayBuffer. */
  readonly isolated: boolean;
  /** The browser runs the fixed-width SIMD instructions of WebAssembly. */
  readonly simd: boolean;
  /** The browser runs the relaxed SIMD dot product. */
  readonly relaxedSimd: boolean;
  /** Processor cores that the browser tells of. */
  readonly cores: number;
}

/** The module to load, how many threads it gets, and why. */
export interface Choice {
  readonly flavour: Flavour;
  readonly threads: number;
  readonly steps: readonly Step[];
}

/** A module whose only function makes one vector: `i32.const 0; i8x16.splat`. */
const SIMD_PROBE = wasmFunction([0x41, 0x00, 0xfd, 0x0f]);

/** The same with `i32x4.relaxed_dot_i8x16_i7x16_add_s` on three vectors. */
const RELAXED_PROBE = wasmFunction([
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x93, 0x02],
]);

/** The bytes of a module with one function () → v128. */
function wasmFunction(body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0x00, ...body, 0x0b];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x0a, code.length + 2, 0x01, code.length, ...code],
  ]);
}

/** Looks at the browser. */
export function surroundings(): Surroundings {
  return {
    isolated: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function",
    simd: WebAssembly.validate(SIMD_PROBE),
    relaxedSimd: WebAssembly.validate(RELAXED_PROBE),
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
  };
}

/** The most threads that are taken unasked: beyond that a decode step waits for its slowest thread. */
const MOST_THREADS = 8;

/** The best module for these surroundings. Every step that is not taken says why. */
export function chooseFlavour(found: Surroundings, wanted: number | undefined): Choice {
  const threads = Math.max(1, wanted ?? Math.min(found.cores, MOST_THREADS));
  const relaxed: Step = { name: "relaxed_simd", taken: found.relaxedSimd, reason: found.relaxedSimd ? "used" : "missing" };
  const simd: Step = { name: "simd", taken: found.simd, reason: found.simd ? "used" : "missing" };
  const blocked = whyNoThreads(found, threads);
  const parallel: Step = { name: "threads", taken: blocked === undefined, reason: blocked ?? "used" };
  const steps = [parallel, relaxed, simd];
  if (blocked === undefined) return { flavour: "threads", threads, steps };
  return { flavour: found.relaxedSimd ? "relaxed" : "simd128", threads: 1, steps };
}

/** The next step down when the module with threads does not start. */
export function withoutThreads(choice: Choice): Choice {
  const steps = choice.steps.map((step): Step => (step.name === "threads" ? { ...step, taken: false, reason: "failed" } : step));
  return { flavour: "relaxed", threads: 1, steps };
}

function whyNoThreads(found: Surroundings, threads: number): Step["reason"] | undefined {
  if (!found.isolated) return "not_isolated";
  if (!found.relaxedSimd) return "needs_relaxed_simd";
  if (threads === 1) return "one_thread";
  return undefined;
}

/** The steps above WebAssembly, once a model is loaded. */
export function gpuSteps(asked: DeviceChoice, found: GpuFound, info: Pick<LoadedInfo, "device" | "kernels">): Step[] {
  if (info.device !== "webgpu") return [{ name: "webgpu", taken: false, reason: whyNoGpu(asked, found) }];
  const used = info.kernels.some((kernel) => kernel.includes("subgroup"));
  const reason = used ? "used" : found === "subgroups" ? "no_kernels" : "missing";
  return [
    { name: "webgpu", taken: true, reason: "used" },
    { name: "subgroups", taken: used, reason },
  ];
}

function whyNoGpu(asked: DeviceChoice, found: GpuFound): Step["reason"] {
  if (asked === "wasm") return "not_asked_for";
  return found === "missing" || found === "no_adapter" ? found : "slower";
}
