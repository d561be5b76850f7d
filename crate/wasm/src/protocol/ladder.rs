//! The ladder from the fastest way to run to the plainest.

use serde::{Deserialize, Serialize};

/// The wasm modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// Fixed-width SIMD: every browser.
    Simd128,
    /// Relaxed SIMD.
    Relaxed,
    /// Relaxed SIMD and threads: isolated pages.
    Threads,
}

/// A step of the ladder from the fastest way to run to the plainest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The GPU.
    Webgpu,
    /// Subgroup operations in its kernels.
    Subgroups,
    /// Threads in WebAssembly.
    Threads,
    /// Relaxed SIMD in WebAssembly.
    RelaxedSimd,
    /// SIMD in WebAssembly.
    Simd,
}

/// Why a step of the ladder is taken or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum StepReason {
    /// It is there and used.
    Used,
    /// The browser does not have it.
    Missing,
    /// The browser has WebGPU but gives no adapter.
    NoAdapter,
    /// The caller asked for another device.
    NotAskedFor,
    /// The page is not cross-origin isolated.
    NotIsolated,
    /// The module with threads is built with relaxed SIMD.
    NeedsRelaxedSimd,
    /// One thread was asked for, or there is one core.
    OneThread,
    /// It was tried, and the other device was faster or the only one that worked.
    Slower,
    /// It is there, and none of this model's kernels uses it.
    NoKernels,
    /// It is there and could not be started.
    Failed,
}

/// A step and whether it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// Whether it is taken.
    pub taken: bool,
    /// Why.
    pub reason: StepReason,
}

/// The module that runs, and why not a faster one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Surroundings {
    /// Threads that compute.
    pub threads: usize,
    /// The wasm module.
    pub flavour: Flavour,
    /// The ladder from the fastest way to run to the plainest.
    pub steps: Vec<Step>,
}
