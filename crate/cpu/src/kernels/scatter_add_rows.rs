//! The sum of rows by their place.

use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

/// `values` [.., C] added to the rows of `out` [rows, C] that `ids` name, in their order.
pub(crate) fn scatter_add_rows(pool: &Pool, ids: &[i32], values: &[f32], width: usize, out: &mut [f32]) {
    // A part is some rows of the result and looks at every id, so the order of a row's terms is that of the ids.
    let step = (4 * PART / width.max(1)).max(1);
    pieces(pool, out, step * width, |at, out| {
        out.fill(0.0);
        let first = at / width;
        for (id, value) in ids.iter().zip(values.chunks_exact(width)) {
            let row = usize::try_from(*id).ok().and_then(|id| id.checked_sub(first));
            if let Some(row) = row.filter(|row| *row < out.len() / width) {
                add(&mut out[row * width..][..width], value);
            }
        }
    });
}

widest! {
    fn add(out: &mut [f32], value: &[f32]) {
        out.iter_mut().zip(value).for_each(|(out, value)| *out += value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_ids_add_and_those_outside_do_not_count() {
        let mut out = [9.0; 4];
        scatter_add_rows(&Pool::new(2), &[1, -1, 1, 2], &[1.0, 2.0, 5.0, 5.0, 3.0, 4.0, 7.0, 7.0], 2, &mut out);
        assert_eq!(out, [0.0, 0.0, 4.0, 6.0]);
    }
}
