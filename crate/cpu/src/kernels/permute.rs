//! Axes in another order.

use super::strided::{Walk, strides};
use crate::parts::{PART, pieces};
use crate::pool::Pool;

/// Axis `i` of the result, of shape `shape`, is axis `axes[i]` of `x`.
pub(crate) fn permute<T: Copy + Send + Sync>(
    pool: &Pool,
    axes: &[usize],
    (x, x_shape): (&[T], &[usize]),
    out: &mut [T],
    shape: &[usize],
) {
    let dense = strides(x_shape);
    let walk = Walk::new(shape, [0], |i| [dense[axes[i]]]);
    copy(pool, &walk, x, out);
}

/// Copies what a walk visits.
pub(crate) fn copy<T: Copy + Send + Sync>(pool: &Pool, walk: &Walk<1>, x: &[T], out: &mut [T]) {
    pieces(pool, out, PART, |at, out| {
        walk.runs(at, out.len(), |first, len, [place], [step]| {
            let out = &mut out[first..][..len];
            if step == 1 {
                out.copy_from_slice(&x[place..][..len]);
            } else {
                out.iter_mut().enumerate().for_each(|(i, out)| *out = x[place + i * step]);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_turns() {
        let mut out = [0; 6];
        permute(&Pool::new(1), &[1, 0], (&[1, 2, 3, 4, 5, 6], &[2, 3]), &mut out, &[3, 2]);
        assert_eq!(out, [1, 4, 2, 5, 3, 6]);
    }
}
