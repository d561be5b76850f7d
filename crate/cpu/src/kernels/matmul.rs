//! Batched matrix products of activations.

use crate::parts::pieces;
use crate::pool::Pool;
use crate::simd::{Grid, Sum, product};

/// Rows of a part: enough to use what is loaded of `b`.
const ROWS: usize = 32;

/// `a` [.., m, k], `b` [.., k, n] → [.., m, n].
pub(crate) fn matmul(pool: &Pool, (m, k, n): (usize, usize, usize), a: &[f32], b: &[f32], out: &mut [f32]) {
    if m == 0 || n == 0 {
        return;
    }
    // A part is whole rows of one product of the batch, so batches are cut one by one.
    for (batch, out) in out.chunks_exact_mut(m * n).enumerate() {
        let b = Grid { values: &b[batch * k * n..][..k * n], stride: n };
        pieces(pool, out, ROWS * n, |at, out| {
            let rows = out.len() / n;
            let a = Grid { values: &a[(batch * m + at / n) * k..][..rows * k], stride: k };
            product((rows, k, n), a, b, out, n, Sum::Set);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_products_of_a_batch() {
        let mut out = [0.0; 4];
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0, 100.0, 1000.0, 1.0, 0.0, 0.0, 1.0]);
        matmul(&Pool::new(2), (1, 2, 2), &a, &b, &mut out);
        assert_eq!(out, [201.0, 2010.0, 3.0, 4.0]);
    }
}
