//! Joins along one axis.

/// Writes part number `place` of the joined rows: `inner` values of `x` for each of the rows of `width` values, from
/// `place` on.
pub(crate) fn place<T: Copy>(x: &[T], inner: usize, place: usize, out: &mut [T], width: usize) {
    if inner == 0 || width == 0 {
        return;
    }
    for (row, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(inner)) {
        row[place..place + inner].copy_from_slice(x);
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn two_matrices_side_by_side() {
        let mut out = [0; 6];
        place(&[1, 2], 1, 0, &mut out, 3);
        place(&[3, 4, 5, 6], 2, 1, &mut out, 3);
        assert_eq!(out, [1, 3, 4, 2, 5, 6]);
    }
}
