//! Values repeated along axes.

use super::binary::steps;
use super::permute::copy;
use super::strided::Walk;
use crate::pool::Pool;

/// `x` broadcast to `shape`.
pub(crate) fn expand<T: Copy + Send + Sync>(
    pool: &Pool,
    (x, x_shape): (&[T], &[usize]),
    out: &mut [T],
    shape: &[usize],
) {
    let steps = steps(x_shape, shape);
    copy(pool, &Walk::new(shape, [0], |i| [steps[i]]), x, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns() {
        let mut out = [0; 6];
        expand(&Pool::new(2), (&[1, 2, 3], &[3]), &mut out, &[2, 3]);
        assert_eq!(out, [1, 2, 3, 1, 2, 3]);
        expand(&Pool::new(2), (&[1, 2], &[2, 1]), &mut out, &[2, 3]);
        assert_eq!(out, [1, 1, 1, 2, 2, 2]);
    }
}
