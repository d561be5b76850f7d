//! Batched matrix products of activations.

use graph::{MatMul, Side};

use crate::gemm::{Packed, View, gemm};
use crate::pool::Pool;

/// `a` [.., m, k], `b` [.., k, n], or with their last axes exchanged → [.., m, n].
pub(crate) fn matmul(
    pool: &Pool,
    spec: MatMul,
    (m, k, n): (usize, usize, usize),
    (a, b): (&[f32], &[f32]),
    packed: &mut Packed,
    out: &mut [f32],
) {
    if m == 0 || n == 0 {
        return;
    }
    for (batch, out) in out.chunks_exact_mut(m * n).enumerate() {
        let (a, b) = (&a[batch * m * k..][..m * k], &b[batch * k * n..][..k * n]);
        let a = if spec.a == Side::Plain { View::rows(a, k) } else { View::rows(a, m).turned() };
        let b = if spec.b == Side::Plain { View::rows(b, n) } else { View::rows(b, k).turned() };
        gemm(pool, (m, k, n), a, b, packed, out, |_, _| {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_products_of_a_batch() {
        let mut out = [0.0; 4];
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0, 100.0, 1000.0, 1.0, 0.0, 0.0, 1.0]);
        matmul(&Pool::new(2), MatMul::default(), (1, 2, 2), (&a, &b), &mut Packed::default(), &mut out);
        assert_eq!(out, [201.0, 2010.0, 3.0, 4.0]);
        let turned = MatMul { a: Side::Transposed, b: Side::Transposed };
        matmul(&Pool::new(2), turned, (2, 2, 2), (&a, &b[..4]), &mut Packed::default(), &mut out);
        assert_eq!(out, [31.0, 3100.0, 42.0, 4200.0]);
    }
}
