//! What a benchmark measures.

use serde::{Deserialize, Serialize};

/// What a benchmark measures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(default)]
pub struct BenchOptions {
    /// Tokens of the prompt.
    pub prompt: Option<usize>,
    /// Tokens that are written.
    pub tokens: Option<usize>,
    /// Measured runs after one that warms up.
    pub runs: Option<usize>,
}

/// The figures of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Figures {
    /// Tokens of the prompt per second, median.
    pub prefill_tokens_per_s: f64,
    /// New tokens per second, median.
    pub decode_tokens_per_s: f64,
    /// Milliseconds of loading.
    pub load_ms: f64,
    /// Bytes of wasm memory and GPU buffers.
    pub peak_rss_bytes: f64,
    /// Bytes of the weights on the device.
    pub weight_bytes: f64,
    /// The device.
    pub device: String,
    /// What really ran.
    pub kernels: Vec<String>,
    /// Why this device.
    pub reason: String,
    /// What a new token costs the device.
    pub per_token: RunCost,
    /// Every run: prefill and decode, tokens per second.
    pub runs: Vec<(f64, f64)>,
}

/// The figures of a model that only reads, or reads before it writes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct PassFigures {
    /// Milliseconds of one forward pass, median.
    pub latency_ms: f64,
    /// Tokens of the pass.
    pub tokens: usize,
    /// Of a model that answers prompts, milliseconds of looking at a picture, median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder_ms: Option<f64>,
    /// Of a model that answers prompts, milliseconds of an answer to one point, median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoder_ms: Option<f64>,
    /// Milliseconds of loading.
    pub load_ms: f64,
    /// Bytes of wasm memory and GPU buffers.
    pub peak_rss_bytes: f64,
    /// Bytes of the weights on the device.
    pub weight_bytes: f64,
    /// The device.
    pub device: String,
    /// What really ran.
    pub kernels: Vec<String>,
    /// Every run, milliseconds.
    pub runs: Vec<f64>,
}

/// What one run costs: kernels started, lists of commands given, bytes of weights read and of results copied back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunCost {
    /// Kernels started on a GPU.
    pub dispatches: usize,
    /// Lists of commands given to a GPU.
    pub submits: usize,
    /// Bytes of weights read.
    pub weight_bytes: f64,
    /// Bytes copied back from a GPU.
    pub readback_bytes: f64,
}
