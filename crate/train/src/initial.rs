//! A model's first weights.
//!
//! As GPT-2 does it (Radford et al. 2019): matrices from a normal distribution of deviation `initializer_range`, those
//! that end a residual branch divided by the root of twice the number of blocks; norms one, biases zero.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod pictures;

use graph::WeightSpec;

use crate::Random;

/// Deviation where the configuration names none.
pub const DEVIATION: f64 = 0.02;

/// The first values of a weight.
pub fn values(spec: &WeightSpec, seed: u64, deviation: f64, n_layer: usize) -> Vec<f32> {
    let n: usize = spec.shape.iter().product();
    if spec.name.ends_with(".bias") {
        return vec![0.0; n];
    }
    if spec.shape.len() < 2 {
        return vec![1.0; n];
    }
    let ends_branch = ["o_proj.weight", "down_proj.weight", "c_proj.weight"].iter().any(|end| spec.name.ends_with(end));
    let deviation = if ends_branch { deviation / (2.0 * n_layer as f64).sqrt() } else { deviation };
    let random = Random::new(seed).named(&spec.name);
    (0..n as u64).map(|at| (deviation * random.normal(at)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use graph::Stored;

    fn deviation(name: &str, shape: &[usize]) -> f64 {
        let spec = WeightSpec { name: name.into(), shape: shape.into(), stored: Stored::AsDeclared };
        let values = values(&spec, 1, 0.02, 8);
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        assert!(name.contains("norm") || mean.abs() < 1e-3, "{name}: {mean}");
        (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn deviations() {
        assert!((deviation("model.embed_tokens.weight", &[100, 64]) - 0.02).abs() < 1e-3);
        assert!((deviation("model.layers.0.self_attn.o_proj.weight", &[64, 64]) - 0.005).abs() < 3e-4);
        assert_eq!(deviation("model.norm.weight", &[64]), 0.0);
        assert_eq!(deviation("h.0.attn.c_attn.bias", &[64]), 0.0);
    }
}
