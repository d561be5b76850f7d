//! The loss of a classification, and its gradient.

use super::arg_max::largest;
use super::rms_norm::sum;
use crate::matrix::act::exp;
use crate::parts::{rows, rows_in_part, together, widest};
use crate::pool::Pool;

/// `logits` [rows, V], `targets` [rows] → `loss` [rows], `lse` [rows].
pub(crate) fn softmax_cross_entropy(
    pool: &Pool,
    smoothing: f32,
    (logits, width): (&[f32], usize),
    targets: &[i32],
    [loss, lse]: [&mut [f32]; 2],
) {
    let step = rows_in_part(width);
    together(pool, [loss, lse], [step; 2], |part, [loss, lse]| {
        let first = part * step;
        for (i, (loss, lse)) in loss.iter_mut().zip(lse).enumerate() {
            let x = &logits[(first + i) * width..][..width];
            log_sum(x, lse);
            *loss = target(targets[first + i], width).map_or(0.0, |target| {
                let mut even = 0.0;
                if smoothing > 0.0 {
                    mean(x, *lse, &mut even);
                }
                (1.0 - smoothing) * (*lse - x[target]) + smoothing * even
            });
        }
    });
}

/// `logits` [rows, V], `targets` [rows], `lse` [rows], `dloss` [rows] → `out` [rows, V].
pub(crate) fn softmax_cross_entropy_grad(
    pool: &Pool,
    smoothing: f32,
    (logits, width): (&[f32], usize),
    targets: &[i32],
    (lse, dloss): (&[f32], &[f32]),
    out: &mut [f32],
) {
    rows(pool, out, width, |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
            match target(targets[row], width) {
                None => out.fill(0.0),
                Some(target) => {
                    slope(&logits[row * width..][..width], lse[row], smoothing / width as f32, dloss[row], out);
                    out[target] -= (1.0 - smoothing) * dloss[row];
                }
            }
        }
    });
}

fn target(id: i32, classes: usize) -> Option<usize> {
    usize::try_from(id).ok().filter(|id| *id < classes)
}

widest! {
    /// The logarithm of the sum of exponentials.
    fn log_sum(x: &[f32], out: &mut f32) {
        let mut most = 0.0;
        largest(x, &mut most);
        *out = most + sum(x, |x| exp(x - most)).ln();
    }
}

widest! {
    /// The mean of `lse - x`.
    fn mean(x: &[f32], lse: f32, out: &mut f32) {
        *out = sum(x, |x| lse - x) / x.len() as f32;
    }
}

widest! {
    fn slope(x: &[f32], lse: f32, even: f32, dloss: f32, out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = (exp(x - lse) - even) * dloss;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_even_classes_and_a_target_outside() {
        let (pool, logits, targets) = (Pool::new(1), [5.0, 5.0, 1.0, 2.0], [1, -100]);
        let ([mut loss, mut lse], mut out) = ([[9.0; 2]; 2], [9.0; 4]);
        softmax_cross_entropy(&pool, 0.0, (&logits, 2), &targets, [&mut loss, &mut lse]);
        assert!((loss[0] - 2f32.ln()).abs() < 1e-6 && loss[1] == 0.0, "{loss:?}");
        softmax_cross_entropy_grad(&pool, 0.0, (&logits, 2), &targets, (&lse, &[2.0, 1.0]), &mut out);
        assert!((out[0] - 1.0).abs() < 1e-5 && (out[1] + 1.0).abs() < 1e-5 && out[2..] == [0.0; 2], "{out:?}");
    }
}
