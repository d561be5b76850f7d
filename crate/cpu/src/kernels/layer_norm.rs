//! Layer norm (Ba et al. 2016).

use super::rms_norm::sum;
use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `(x - mean) / sqrt(var + eps) * weight + bias`: `x` [rows, C], `weight` [C], `bias` [C].
pub(crate) fn layer_norm(pool: &Pool, eps: f32, x: &[f32], weight: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    let width = weight.len();
    rows(pool, out, width, |first, out| piece(eps, &x[first * width..][..out.len()], weight, bias, out));
}

widest! {
    fn piece(eps: f32, x: &[f32], weight: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
        let width = weight.len();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let mean = sum(x, |x| x) / width as f32;
            let variance = sum(x, |x| (x - mean) * (x - mean)) / width as f32;
            let factor = 1.0 / (variance + eps).sqrt();
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = (x - mean) * factor * weight;
            }
            for (out, bias) in out.iter_mut().zip(bias.unwrap_or_default()) {
                *out += bias;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_two() {
        let mut out = [0.0; 2];
        layer_norm(&Pool::new(1), 0.0, &[1.0, 3.0], &[2.0, 3.0], Some(&[10.0, 20.0]), &mut out);
        assert_eq!(out, [8.0, 23.0]);
    }
}
