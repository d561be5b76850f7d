//! Rows of a table by number.

use crate::matrix::Matrix;
use crate::parts::rows;
use crate::pool::Pool;

/// `table` [V, C], `ids` [..] → [.., C]; zeros for a number that the table has not.
pub(crate) fn from_matrix(pool: &Pool, table: &Matrix, ids: &[i32], out: &mut [f32]) {
    gather(pool, table.n(), table.k(), ids, out, |row, out| table.row(row, out));
}

/// The same from plain values of width `width`.
pub(crate) fn from_values<T: Copy + Default + Send + Sync>(
    pool: &Pool,
    table: &[T],
    width: usize,
    ids: &[i32],
    out: &mut [T],
) {
    let held = table.len().checked_div(width).unwrap_or(0);
    gather(pool, held, width, ids, out, |row, out| out.copy_from_slice(&table[row * width..][..width]));
}

fn gather<T: Default + Copy + Send>(
    pool: &Pool,
    held: usize,
    width: usize,
    ids: &[i32],
    out: &mut [T],
    read: impl Fn(usize, &mut [T]) + Sync,
) {
    rows(pool, out, width, |first, out| {
        for (id, out) in ids[first..].iter().zip(out.chunks_exact_mut(width)) {
            match usize::try_from(*id).ok().filter(|row| *row < held) {
                Some(row) => read(row, out),
                None => out.fill(T::default()),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_gives_zeros() {
        let mut out = [9.0; 8];
        from_values(&Pool::new(2), &[1.0, 2.0, 3.0, 4.0], 2, &[1, -1, 2, 0], &mut out);
        assert_eq!(out, [3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
    }
}
