//! Zeros around a value along one axis.

use crate::parts::rows;
use crate::pool::Pool;

/// `x`, of which `len` values follow each other before the next row, at `start` of rows of `width` values.
pub(crate) fn pad<T: Copy + Default + Send + Sync>(
    pool: &Pool,
    (x, len): (&[T], usize),
    start: usize,
    out: &mut [T],
    width: usize,
) {
    rows(pool, out, width, |first, out| {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            out[..start].fill(T::default());
            out[start..start + len].copy_from_slice(&x[(first + i) * len..][..len]);
            out[start + len..].fill(T::default());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows() {
        let mut out = [9; 8];
        pad(&Pool::new(1), (&[1, 2, 3, 4], 2), 1, &mut out, 4);
        assert_eq!(out, [0, 1, 2, 0, 0, 3, 4, 0]);
    }
}
