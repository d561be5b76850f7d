//! The largest values of each row and their places.

use std::cmp::Ordering;

/// `x` [rows, width] → `values`, `places` [rows, k], in falling order, the lowest place on ties; what is not a number
/// comes last.
pub(crate) fn top_k(width: usize, k: usize, x: &[f32], values: &mut [f32], places: &mut [i32]) {
    if k == 0 || width == 0 {
        return;
    }
    for (row, (values, places)) in x.chunks_exact(width).zip(values.chunks_exact_mut(k).zip(places.chunks_exact_mut(k)))
    {
        one(row, values, places);
    }
}

fn key(x: f32) -> f32 {
    if x.is_nan() { f32::NEG_INFINITY } else { x }
}

/// Keeps the best so far in a heap whose root is the worst of them, then sorts it in place.
fn one(row: &[f32], values: &mut [f32], places: &mut [i32]) {
    let k = values.len().min(row.len());
    for i in 0..k {
        (values[i], places[i]) = (row[i], i as i32);
    }
    (0..k / 2).rev().for_each(|i| sift(values, places, i, k));
    for (i, x) in row.iter().enumerate().skip(k) {
        // A later place loses ties.
        if key(*x) > key(values[0]) {
            (values[0], places[0]) = (*x, i as i32);
            sift(values, places, 0, k);
        }
    }
    for end in (1..k).rev() {
        values.swap(0, end);
        places.swap(0, end);
        sift(values, places, 0, end);
    }
}

/// Moves entry `at` of the heap of `len` entries down to its place.
fn sift(values: &mut [f32], places: &mut [i32], mut at: usize, len: usize) {
    let worse = |values: &[f32], places: &[i32], a: usize, b: usize| {
        let order = key(values[a]).partial_cmp(&key(values[b])).unwrap_or(Ordering::Equal);
        order.then(places[b].cmp(&places[a])) == Ordering::Less
    };
    loop {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let mut least = at;
        if left < len && worse(values, places, left, least) {
            least = left;
        }
        if right < len && worse(values, places, right, least) {
            least = right;
        }
        if least == at {
            return;
        }
        values.swap(at, least);
        places.swap(at, least);
        at = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falling_order_and_lowest_place() {
        let row = [1.0, 7.0, f32::NAN, 7.0, -2.0, 9.0, 1.0];
        let (mut values, mut places) = ([0.0; 5], [0; 5]);
        top_k(7, 5, &row, &mut values, &mut places);
        assert_eq!((values, places), ([9.0, 7.0, 7.0, 1.0, 1.0], [5, 1, 3, 0, 6]));
        let (mut values, mut places) = ([0.0; 7], [0; 7]);
        top_k(7, 7, &row, &mut values, &mut places);
        assert_eq!(places, [5, 1, 3, 0, 6, 4, 2]);
    }
}
