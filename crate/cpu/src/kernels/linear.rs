//! `act(x Wᵀ + b)` where the weight is plain floats; packed weights go through [`crate::matrix`].

use graph::Act;

use crate::gemm::{Packed, View, gemm};
use crate::matrix::act;
use crate::parts::{Shared, rows_in_part, widest};
use crate::pool::Pool;

/// Up to so many rows of `x`, packing the weight costs more than it saves.
const FEW: usize = 4;

/// `x` [m, k], `weight` [n, k], `bias` [n] → [m, n].
pub(crate) fn linear(
    pool: &Pool,
    (m, k, n): (usize, usize, usize),
    (x, weight, bias): (&[f32], &[f32], Option<&[f32]>),
    act: Option<Act>,
    packed: &mut Packed,
    out: &mut [f32],
) {
    if m <= FEW {
        return dots(pool, (m, k, n), (x, weight, bias), act, out);
    }
    let (x, weight) = (View::rows(x, k), View::rows(weight, k).turned());
    gemm(pool, (m, k, n), x, weight, packed, out, |column, out| {
        let bias = bias.map(|bias| &bias[column..][..out.len()]);
        if bias.is_some() || act.is_some() {
            finish(out, bias, act);
        }
    });
}

/// Row by row of the weight.
#[expect(unsafe_code, reason = "parts write disjoint pieces of each row")]
fn dots(
    pool: &Pool,
    (m, k, n): (usize, usize, usize),
    (x, weight, bias): (&[f32], &[f32], Option<&[f32]>),
    act: Option<Act>,
    out: &mut [f32],
) {
    let (step, shared) = (rows_in_part(k), Shared::new(out));
    pool.run(n.div_ceil(step), &|part| {
        let at = part * step;
        let count = step.min(n - at);
        for row in 0..m {
            // SAFETY: parts have different columns.
            let out = unsafe { shared.slice(row * n + at, count) };
            let x = &x[row * k..][..k];
            for (j, out) in out.iter_mut().enumerate() {
                dot(x, &weight[(at + j) * k..][..k], out);
            }
            finish(out, bias.map(|bias| &bias[at..][..count]), act);
        }
    });
}

widest! {
    fn finish(out: &mut [f32], bias: Option<&[f32]>, act: Option<Act>) {
        act::finish(out, bias, act);
    }
}

widest! {
    fn dot(a: &[f32], b: &[f32], out: &mut f32) {
        let mut lanes = [0.0; 16];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..16 {
                lanes[i] += a[i] * b[i];
            }
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        *out = lanes.iter().sum::<f32>() + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_and_many_with_bias_and_activation() {
        let (x, weight, bias) = ([1.0, 10.0, -1.0, 0.0].repeat(4), [1.0, 2.0, 3.0, 4.0], [0.5, 1.0]);
        for m in [2, 8] {
            let mut out = vec![0.0; 2 * m];
            let operands = (&x[..2 * m], &weight[..], Some(&bias[..]));
            linear(&Pool::new(1), (m, 2, 2), operands, Some(Act::Relu), &mut Packed::default(), &mut out);
            assert_eq!(out, [21.5, 44.0, 0.0, 0.0].repeat(m / 2));
        }
    }
}
