//! `act(x Wᵀ + b)` where the weight is a computed value; packed weights go through [`crate::matrix`].

use graph::Act;

use crate::matrix::act;
use crate::parts::{rows, widest};
use crate::pool::Pool;

/// `x` [m, k], `weight` [n, k], `bias` [n] → [m, n].
pub(crate) fn linear(
    pool: &Pool,
    (n, k): (usize, usize),
    (x, weight, bias): (&[f32], &[f32], Option<&[f32]>),
    act: Option<Act>,
    out: &mut [f32],
) {
    rows(pool, out, n, |first, out| {
        for (i, out) in out.chunks_exact_mut(n).enumerate() {
            let x = &x[(first + i) * k..][..k];
            for (j, out) in out.iter_mut().enumerate() {
                dot(x, &weight[j * k..][..k], out);
            }
            finish(out, bias, act);
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
    fn a_product_with_bias_and_activation() {
        let mut out = [0.0; 4];
        let (x, weight) = ([1.0, 10.0, -1.0, 0.0], [1.0, 2.0, 3.0, 4.0]);
        linear(&Pool::new(1), (2, 2), (&x, &weight, Some(&[0.5, 1.0])), Some(Act::Relu), &mut out);
        assert_eq!(out, [21.5, 44.0, 0.0, 0.0]);
    }
}
