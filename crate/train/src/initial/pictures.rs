//! First weights of models that look at pictures: as PyTorch draws those of projections and convolutions, tables of
//! tokens from a normal distribution.

use graph::{Taps, WeightSpec};
use models::{Call, Model};

use crate::trainer::Values;
use crate::{Error, Random};

/// Deviation of tables of tokens.
const TOKENS: f64 = 0.5;
/// Deviation of the table of places, which is learned from almost nothing.
const PLACES: f64 = 0.02;

/// The first values of all weights of a call.
///
/// # Errors
/// The model does not answer it.
pub fn drawn(model: &Model, call: &Call, seed: u64) -> Result<Values, Error> {
    let graph = model.build(call, Taps::none())?;
    Ok(graph.weights.iter().map(|spec| (spec.name.clone(), values(spec, seed))).collect())
}

/// The first values of a weight.
fn values(spec: &WeightSpec, seed: u64) -> Vec<f32> {
    let n: usize = spec.shape.iter().product();
    if spec.name.ends_with(".bias") {
        return vec![0.0; n];
    }
    if spec.shape.len() < 2 {
        return vec![1.0; n];
    }
    let table = ["token", "_embed.weight", "point_embed."].iter().any(|part| spec.name.contains(part));
    let fan_in = spec.shape.last().copied().unwrap_or(1).max(1);
    let deviation = match spec.name.as_str() {
        // The frequencies of places (Tancik et al. 2020).
        name if name.ends_with("positional_embedding") => 1.0,
        name if name.ends_with("pos_embed") => PLACES,
        name if table && !name.contains("proj") && !name.contains("conv") && !name.contains("attn") => TOKENS,
        _ => 1.0 / (3.0 * fan_in as f64).sqrt(),
    };
    let random = Random::new(seed).named(&spec.name);
    (0..n as u64).map(|at| (deviation * random.normal(at)) as f32).collect()
}
