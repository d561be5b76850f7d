//! A range of one axis.

use super::permute::copy;
use super::strided::{Walk, strides};
use crate::pool::Pool;

/// From `start` on along `axis`, as much as `shape` says.
pub(crate) fn slice<T: Copy + Send + Sync>(
    pool: &Pool,
    (axis, start): (usize, usize),
    (x, x_shape): (&[T], &[usize]),
    out: &mut [T],
    shape: &[usize],
) {
    let dense = strides(x_shape);
    copy(pool, &Walk::new(shape, [start * dense[axis]], |i| [dense[i]]), x, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_matrix() {
        let mut out = [0; 4];
        slice(&Pool::new(1), (1, 1), (&[1, 2, 3, 4, 5, 6], &[2, 3]), &mut out, &[2, 2]);
        assert_eq!(out, [2, 3, 5, 6]);
    }
}
