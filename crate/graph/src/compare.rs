//! Node-by-node comparison of two executors.

use crate::{Data, Graph, Tensor};

/// The first value at which two runs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The output's name; in an observed graph `%place.output operation`.
    pub name: String,
    /// Normalised mean squared error there, infinite where shapes, types or integers differ.
    pub nmse: f64,
}

/// Normalised mean squared error: `Σ(a-b)² / Σb²`, with the reference `b`. NaN in either gives infinity.
pub fn nmse(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let (mut error, mut power) = (0.0f64, 0.0f64);
    for (x, y) in a.iter().zip(b) {
        error += (f64::from(*x) - f64::from(*y)).powi(2);
        power += f64::from(*y).powi(2);
    }
    let ratio = if error == 0.0 { 0.0 } else { error / power.max(f64::MIN_POSITIVE) };
    if ratio.is_nan() { f64::INFINITY } else { ratio }
}

/// Compares the results of two executors on the same graph (usually [`Graph::observed`]) in node order.
pub fn compare(graph: &Graph, tested: &[Tensor], reference: &[Tensor], bound: f64) -> Option<Difference> {
    graph.outputs.iter().zip(tested.iter().zip(reference)).find_map(|(output, (a, b))| {
        let error = match (&a.data, &b.data) {
            _ if a.shape != b.shape => f64::INFINITY,
            (Data::F32(a), Data::F32(b)) => nmse(a, b),
            (Data::I32(a), Data::I32(b)) if a == b => 0.0,
            (Data::I32(_) | Data::F32(_), _) => f64::INFINITY,
        };
        (error > bound).then(|| Difference { name: output.name.clone(), nmse: error })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_never_passes() {
        assert_eq!(nmse(&[f32::NAN], &[1.0]), f64::INFINITY);
        assert_eq!(nmse(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!((nmse(&[1.1], &[1.0]) - 0.01).abs() < 1e-6);
    }
}
