//! The place of the largest value of each row.

use crate::parts::{pieces, rows_in_part, widest};
use crate::pool::Pool;

/// Values whose largest is found before any place is looked for.
const BLOCK: usize = 1024;

/// `x` [rows, width] → [rows]. The lowest place on ties; what is not a number never wins.
pub(crate) fn arg_max(pool: &Pool, width: usize, x: &[f32], out: &mut [i32]) {
    pieces(pool, out, rows_in_part(width), |at, out| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = place(&x[(at + i) * width..][..width]) as i32;
        }
    });
}

fn place(row: &[f32]) -> usize {
    let (mut best, mut block) = (f32::NEG_INFINITY, 0);
    for (i, values) in row.chunks(BLOCK).enumerate() {
        let mut found = f32::NEG_INFINITY;
        largest(values, &mut found);
        if found > best {
            (best, block) = (found, i);
        }
    }
    let start = block * BLOCK;
    // Without a number above minus infinity everything ties, and the lowest place wins.
    if best == f32::NEG_INFINITY { 0 } else { start + row[start..].iter().position(|x| *x == best).unwrap_or(0) }
}

widest! {
    /// The largest number, minus infinity if there is none.
    pub(crate) fn largest(values: &[f32], out: &mut f32) {
        let mut lanes = [f32::NEG_INFINITY; 16];
        let (chunks, rest) = values.as_chunks::<16>();
        for chunk in chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = if *x > *lane { *x } else { *lane };
            }
        }
        let mut best = f32::NEG_INFINITY;
        for x in lanes.iter().chain(rest) {
            best = if *x > best { *x } else { best };
        }
        *out = best;
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn the_lowest_place_wins_and_what_is_no_number_never_does() {
        assert_eq!(place(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(place(&[f32::NAN, -1.0, f32::NAN, -1.0]), 1);
        assert_eq!(place(&[f32::NAN, f32::NEG_INFINITY]), 0);
        let mut long = vec![0.0; 5000];
        (long[4099], long[4100]) = (2.0, 2.0);
        assert_eq!(place(&long), 4099);
    }
}
