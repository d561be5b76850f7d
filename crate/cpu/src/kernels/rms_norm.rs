//! Root mean square norm (Zhang and Sennrich 2019).

use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `x / sqrt(mean(x²) + eps) * weight`: `x` [rows, C], `weight` [C].
pub(crate) fn rms_norm(pool: &Pool, eps: f32, x: &[f32], weight: &[f32], out: &mut [f32]) {
    let width = weight.len();
    rows(pool, out, width, |first, out| piece(eps, &x[first * width..][..out.len()], weight, out));
}

widest! {
    fn piece(eps: f32, x: &[f32], weight: &[f32], out: &mut [f32]) {
        let width = weight.len();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let mean = sum(x, |x| x * x) / width as f32;
            let factor = 1.0 / (mean + eps).sqrt();
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = x * factor * weight;
            }
        }
    }
}

/// The sum of a function of the values, in sixteen partial sums.
#[inline(always)]
pub(crate) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 16];
    let (chunks, rest) = x.as_chunks::<16>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += f(*x);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|x| f(*x)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_unit_mean_square() {
        let mut out = [0.0; 4];
        rms_norm(&Pool::new(1), 0.0, &[3.0, 4.0, 0.0, -2.0], &[1.0, 2.0], &mut out);
        let root = 12.5f32.sqrt();
        let expected = [3.0 / root, 8.0 / root, 0.0, -2.0 * 2f32.sqrt()];
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{out:?}");
    }
}
