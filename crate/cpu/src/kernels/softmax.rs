//! Softmax over the last axis.

use super::arg_max::largest;
use super::rms_norm::sum;
use crate::matrix::act::exp;
use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `x` [rows, width].
pub(crate) fn softmax(pool: &Pool, width: usize, x: &[f32], out: &mut [f32]) {
    rows(pool, out, width, |first, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let x = &x[(first + i) * width..][..width];
            let mut most = 0.0;
            largest(x, &mut most);
            row(x, most, out);
        }
    });
}

widest! {
    fn row(x: &[f32], most: f32, out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = exp(*x - most);
        }
        let factor = 1.0 / sum(out, |x| x);
        for out in out {
            *out *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_do_not_overflow() {
        let mut out = [0.0; 4];
        softmax(&Pool::new(1), 2, &[1000.0, 1000.0, 0.0, 3f32.ln()], &mut out);
        let expected = [0.5, 0.5, 0.25, 0.75];
        assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }
}
