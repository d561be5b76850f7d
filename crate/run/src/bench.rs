//! Speed of a loaded model: prefill and decode, medians.

use std::ops::ControlFlow;

use graph::Tensor;
use models::{Call, Head, Parts, Vision};
use serde::Serialize;
use web_time::Instant;

use crate::generate::CHUNK;
use crate::held::Held;
use crate::step::Step;
use crate::{Error, ForwardInputs, Model, RunCost, Session};

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

/// The figures of a model that reads before it writes, or only reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassFigures {
    /// Milliseconds of one forward pass over a row of tokens, median.
    pub latency_ms: f64,
    /// Tokens of the row.
    pub tokens: usize,
    /// Of a model that answers prompts, milliseconds of looking at a picture and of an answer, medians.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartFigures>,
    /// Milliseconds of loading.
    pub load_ms: f64,
    /// The process's largest resident memory.
    pub peak_rss_bytes: u64,
    /// Bytes of the weights on the device.
    pub weight_bytes: u64,
    /// The device.
    pub device: String,
    /// What really ran.
    pub kernels: Vec<String>,
    /// Every run, milliseconds.
    pub runs: Vec<f64>,
}

/// A model that looks at a picture once and then answers many prompts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PartFigures {
    /// Milliseconds of looking at a picture, median.
    pub encoder_ms: f64,
    /// Milliseconds of an answer to one point, after a first one about the same picture, median.
    pub decoder_ms: f64,
}

/// Looks at one picture and answers one point, `runs` times each after one that warms up.
async fn bench_parts(model: &Model, vision: &Vision, runs: usize) -> Result<PartFigures, Error> {
    let given = ForwardInputs::usual(vision)?;
    let missing = |name: &str| Error::Value { tensor: name.into(), reason: "is missing".into() };
    let pixels = given.get("pixel_values").ok_or_else(|| missing("pixel_values"))?;
    let point = given.get("input_points").ok_or_else(|| missing("input_points"))?.clone();
    let (mut looks, mut answers) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let start = Instant::now();
        let seen = model.embed_pictures(pixels.clone()).await?;
        let looked = start.elapsed();
        let seen = Held::new(seen);
        let prompt = ForwardInputs::new([("input_points".to_string(), point.clone())]);
        // The first answer about a picture computes what all further ones share.
        model.answer_held(&seen, &prompt).await?;
        let start = Instant::now();
        model.answer_held(&seen, &prompt).await?;
        if run > 0 {
            looks.push(looked.as_secs_f64() * 1e3);
            answers.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(PartFigures { encoder_ms: median(looks.into_iter()), decoder_ms: median(answers.into_iter()) })
}

/// One forward pass over random tokens after another; `load_ms` and `peak_rss` are the caller's to fill.
///
/// # Errors
/// The device fails.
pub async fn bench_pass(model: &Model, options: BenchOptions) -> Result<PassFigures, Error> {
    let tokens = options.prompt.clamp(1, model.package().model.longest().max(1));
    let model_of = &model.package().model;
    let mut runs = Vec::new();
    for run in 0..=options.runs {
        let milliseconds = pass(model, tokens, run as u64).await?;
        if run > 0 {
            runs.push(milliseconds);
        }
    }
    let parts = match model_of.vision() {
        #[cfg(feature = "tasks")]
        Some(vision) if vision.prompts().is_some() => Some(bench_parts(model, vision, options.runs).await?),
        _ => None,
    };
    let info = model.info().await?;
    Ok(PassFigures {
        latency_ms: median(runs.iter().copied()),
        tokens,
        parts,
        load_ms: 0.0,
        peak_rss_bytes: 0,
        weight_bytes: info.weight_bytes,
        device: info.device,
        kernels: info.kernels,
        runs,
    })
}

/// Milliseconds of one forward pass over random tokens.
///
/// # Errors
/// The device fails.
pub(crate) async fn pass(model: &Model, tokens: usize, seed: u64) -> Result<f64, Error> {
    let of = &model.package().model;
    let (call, inputs) = pass_inputs(of, tokens, seed)?.bind(of)?;
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let start = Instant::now();
    model.run(call, None, &inputs).await?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// A row of tokens, and for a decoder behind the encoder a target half as long.
fn pass_inputs(model: &models::Model, tokens: usize, seed: u64) -> Result<ForwardInputs, Error> {
    if let Some(vision) = model.vision() {
        return ForwardInputs::usual(vision);
    }
    let ids = Tensor::i32([1, tokens], random_ids(model.n_source(), tokens, seed))?;
    let mut inputs = vec![("input_ids".to_string(), ids)];
    if model.parts() == Parts::EncoderDecoder {
        let target = tokens.div_ceil(2);
        let ids = Tensor::i32([1, target], random_ids(model.n_vocab(), target, seed))?;
        inputs.push(("decoder_input_ids".to_string(), ids));
    }
    Ok(ForwardInputs::new(inputs))
}

/// Tokens that differ from run to run.
fn random_ids(n_vocab: usize, n: usize, seed: u64) -> Vec<i32> {
    let random = |i: usize| ((i as u64 + 1).wrapping_mul(6_364_136_223_846_793_005 ^ seed) >> 33) % n_vocab as u64;
    (0..n).map(|i| random(i) as i32).collect()
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
    let prompt = random_ids(model.package().model.n_vocab(), options.prompt, seed);
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
    let step = Step { head: Head::Greedy, ids, rows: 1, from, total };
    let outputs = step.run(model, &mut session.state, None).await?;
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
