import { expect, test } from "vitest";

import { type Surroundings, chooseFlavour, gpuSteps, surroundings, withoutThreads } from "../src/engine/ladder.js";

const ALL: Surroundings = { isolated: true, simd: true, relaxedSimd: true, cores: 4 };

test.each([
  ["everything", ALL, undefined, "threads", 4, "used"],
  ["many cores", { ...ALL, cores: 64 }, undefined, "threads", 8, "used"],
  ["two wanted", ALL, 2, "threads", 2, "used"],
  ["one wanted", ALL, 1, "relaxed", 1, "one_thread"],
  ["one core", { ...ALL, cores: 1 }, undefined, "relaxed", 1, "one_thread"],
  ["not isolated", { ...ALL, isolated: false }, undefined, "relaxed", 1, "not_isolated"],
  ["isolated without relaxed SIMD", { ...ALL, relaxedSimd: false }, undefined, "simd128", 1, "needs_relaxed_simd"],
  ["plain", { ...ALL, isolated: false, relaxedSimd: false }, undefined, "simd128", 1, "not_isolated"],
] as const)("%s", (_, found, wanted, flavour, threads, why) => {
  const choice = chooseFlavour(found, wanted);
  expect(choice).toMatchObject({ flavour, threads });
  expect(choice.steps.find((step) => step.name === "threads")?.reason).toBe(why);
  for (const step of choice.steps) expect(step.taken).toBe(step.reason === "used");
});

test("the SIMD probe is a module that this engine knows", () => {
  expect(surroundings().simd).toBe(true);
});

test.each([
  ["wasm", "missing", "wasm", [], [["webgpu", "not_asked_for"]]],
  ["auto", "missing", "wasm", [], [["webgpu", "missing"]]],
  ["auto", "no_adapter", "wasm", [], [["webgpu", "no_adapter"]]],
  ["auto", "subgroups", "wasm", [], [["webgpu", "slower"]]],
  ["auto", "plain", "webgpu", ["q8_0"], [["webgpu", "used"], ["subgroups", "missing"]]],
  ["webgpu", "subgroups", "webgpu", ["q8_0"], [["webgpu", "used"], ["subgroups", "no_kernels"]]],
  ["webgpu", "subgroups", "webgpu", ["q8_0 subgroups"], [["webgpu", "used"], ["subgroups", "used"]]],
] as const)("asked for %s, found %s, runs on %s", (asked, found, device, kernels, steps) => {
  expect(gpuSteps(asked, found, { device, kernels: [...kernels] }).map(({ name, reason }) => [name, reason])).toEqual(steps);
});

test("threads that do not start are left out, and it says so", () => {
  const choice = withoutThreads(chooseFlavour(ALL, undefined));
  expect(choice).toMatchObject({ flavour: "relaxed", threads: 1 });
  expect(choice.steps[0]).toEqual({ name: "threads", taken: false, reason: "failed" });
});
