//! Sums, means and largest values of rows.

use graph::Reduce;

use super::rms_norm::sum;
use crate::parts::{pieces, rows_in_part, widest};
use crate::pool::Pool;

/// `x` [rows, width] → [rows].
pub(crate) fn reduce(pool: &Pool, op: Reduce, width: usize, x: &[f32], out: &mut [f32]) {
    pieces(pool, out, rows_in_part(width), |at, out| {
        for (i, out) in out.iter_mut().enumerate() {
            row(op, &x[(at + i) * width..][..width], out);
        }
    });
}

widest! {
    fn row(op: Reduce, x: &[f32], out: &mut f32) {
        *out = match op {
            Reduce::Sum => sum(x, |x| x),
            Reduce::Mean => sum(x, |x| x) / x.len() as f32,
            Reduce::Max => x.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_three() {
        let x = [1.0, 5.0, 3.0, -1.0, -4.0, -1.0];
        for (op, expected) in [(Reduce::Sum, [9.0, -6.0]), (Reduce::Mean, [3.0, -2.0]), (Reduce::Max, [5.0, -1.0])] {
            let mut out = [0.0; 2];
            reduce(&Pool::new(2), op, 3, &x, &mut out);
            assert_eq!(out, expected, "{op:?}");
        }
    }
}
