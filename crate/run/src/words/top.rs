//! The largest of many scores.

use std::cmp::Ordering;

/// Up to here the best are kept in order while the scores are read; above, all are sorted.
const FEW: usize = 256;

/// The indices of the `count` largest scores, largest first, of equal ones the smaller index; without those of
/// `leave_out`.
pub(super) fn top(scores: &[f32], leave_out: &[usize], count: usize) -> Vec<usize> {
    let order = |a: usize, b: usize| scores[b].total_cmp(&scores[a]).then(a.cmp(&b));
    if count > FEW {
        let mut all: Vec<usize> = (0..scores.len()).filter(|index| !leave_out.contains(index)).collect();
        all.sort_unstable_by(|&a, &b| order(a, b));
        all.truncate(count);
        return all;
    }
    let mut best: Vec<usize> = Vec::with_capacity(count + 1);
    let mut least = if count == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
    for (index, &score) in scores.iter().enumerate() {
        // A later index of the same score never goes before an earlier one.
        if score <= least || leave_out.contains(&index) {
            continue;
        }
        let place = best.partition_point(|&other| order(other, index) == Ordering::Less);
        best.insert(place, index);
        best.truncate(count);
        if best.len() == count {
            least = scores[best[count - 1]];
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_first_and_of_equal_ones_the_earlier() {
        let scores = [0.5, -1.0, 0.9, 0.5, 0.9, 0.5, 0.0];
        assert_eq!(top(&scores, &[], 4), [2, 4, 0, 3]);
        assert_eq!(top(&scores, &[2, 0], 3), [4, 3, 5]);
        assert_eq!(top(&scores, &[4], 99), [2, 0, 3, 5, 6, 1]);
        assert!(top(&scores, &[], 0).is_empty());
        assert!(top(&[], &[], 3).is_empty());
    }

    #[test]
    fn few_and_many_agree() {
        let scores: Vec<f32> = (0..1000u32).map(|i| (i * 7919 % 101) as f32).collect();
        let many = top(&scores, &[5, 700], 300);
        assert_eq!(many.len(), 300);
        assert_eq!(many[..FEW], top(&scores, &[5, 700], FEW));
    }
}
