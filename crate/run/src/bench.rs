//! Speed of a loaded model: prefill and decode, medians.

use std::ops::ControlFlow;

use models::{Call, Head};
use serde::Serialize;
use web_time::Instant;

use crate::generate::{CHUNK, step_inputs};
use crate::{Error, Model, RunCost, Session};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Tokens that are written.
    pub tokens: usize,
    /// Measured runs after one that warms up.
    pub runs: usize,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { prompt: 128, tokens: 64, runs: 5 }
    }
}

/// The figures of a decoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Tokens of the prompt per second, median.
    pub prefill_tokens_per_s: f64,
    /// New tokens per second, median.
    pub decode_tokens_per_s: f64,
    /// Milliseconds of loading.
    pub load_ms: f64,
    /// The process's largest resident memory; in a browser wasm memory and GPU buffers.
    pub peak_rss_bytes: u64,
    /// Bytes of the weights on the device.
    pub weight_bytes: u64,
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

/// Greedy prefill and decode from random token ids in `session`, which is empty before each run; `load_ms` and
/// `peak_rss` are the caller's to fill. After each run `tick` may end the benchmark.
///
/// # Errors
/// The session does not hold that many tokens, or the device fails.
pub async fn bench(
    model: &Model,
    session: &mut Session,
    options: BenchOptions,
    tick: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Figures, Error> {
    if options.prompt == 0 || options.tokens == 0 || options.prompt + options.tokens > model.context() {
        let reason = format!("has {} tokens, the session holds {}", options.prompt + options.tokens, model.context());
        return Err(Error::Prompt(reason));
    }
    let mut runs = Vec::new();
    for run in 0..=options.runs {
        let measured = one_run(model, session, options, run as u64).await?;
        if run > 0 {
            runs.push(measured);
        }
        if tick(run).is_break() {
            break;
        }
    }
    let info = model.info().await?;
    Ok(Figures {
        prefill_tokens_per_s: median(runs.iter().map(|r| r.0)),
        decode_tokens_per_s: median(runs.iter().map(|r| r.1)),
        load_ms: 0.0,
        peak_rss_bytes: 0,
        weight_bytes: info.weight_bytes,
        device: info.device,
        kernels: info.kernels,
        reason: info.reason,
        per_token: model.cost(Call::step(Head::Greedy)).unwrap_or_default(),
        runs,
    })
}

/// Tokens per second of prefill and of decode.
async fn one_run(model: &Model, session: &mut Session, options: BenchOptions, seed: u64) -> Result<(f64, f64), Error> {
    let n_vocab = model.package().model.n_vocab() as u64;
    let random = |i: usize| ((i as u64 + 1).wrapping_mul(6_364_136_223_846_793_005 ^ seed) >> 33) % n_vocab;
    let prompt: Vec<i32> = (0..options.prompt).map(|i| random(i) as i32).collect();
    session.forget();
    let start = Instant::now();
    let mut next = 0;
    for (i, chunk) in prompt.chunks(CHUNK).enumerate() {
        next = greedy(model, session, chunk.to_vec(), i * CHUNK, prompt.len()).await?;
    }
    let prefill = start.elapsed().as_secs_f64();
    let start = Instant::now();
    for i in 0..options.tokens {
        next = greedy(model, session, vec![next], options.prompt + i, options.prompt + i + 1).await?;
    }
    let decode = start.elapsed().as_secs_f64();
    Ok((options.prompt as f64 / prefill, options.tokens as f64 / decode))
}

async fn greedy(model: &Model, session: &mut Session, ids: Vec<i32>, from: usize, total: usize) -> Result<i32, Error> {
    let outputs = step_inputs(model, session, Head::Greedy, ids, from, total).await?;
    Ok(outputs[0].as_i32()?.first().copied().unwrap_or(0))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}
