//! Sums over the axes that broadcasting repeats.

use super::rms_norm::sum;
use crate::parts::{pieces, rows_in_part, widest};
use crate::pool::Pool;

/// Rows that are added up before they are added to the others, which keeps the rounding small.
const BLOCK: usize = 64;

/// Columns in a part.
const COLUMNS: usize = 64;

/// `x` summed to `shape`, along axes of one or missing there.
pub(crate) fn sum_to(pool: &Pool, (x, x_shape): (&[f32], &[usize]), out: &mut [f32], shape: &[usize]) {
    let groups = groups(x_shape, shape);
    if groups.is_empty() {
        return out.copy_from_slice(x);
    }
    // The innermost first: the others then have less to add.
    let (mut held, mut inner) = (None::<Vec<f32>>, 1);
    for (i, group) in groups.iter().enumerate().rev() {
        let from = held.as_deref().unwrap_or(x);
        inner *= group.kept;
        if i == 0 {
            return fold(pool, (group.summed, inner), from, out);
        }
        let mut next = vec![0.0; from.len() / group.summed.max(1)];
        fold(pool, (group.summed, inner), from, &mut next);
        held = Some(next);
    }
}

/// Neighbouring axes that are summed, and behind them those that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    summed: usize,
    kept: usize,
}

fn groups(x: &[usize], shape: &[usize]) -> Vec<Group> {
    let missing = x.len().saturating_sub(shape.len());
    let mut groups: Vec<Group> = Vec::new();
    for (i, size) in x.iter().copied().enumerate().filter(|(_, size)| *size != 1) {
        let is_summed = i < missing || shape[i - missing] == 1;
        match groups.last_mut() {
            Some(Group { summed, kept: 1 }) if is_summed => *summed *= size,
            Some(Group { kept, .. }) if !is_summed => *kept *= size,
            _ if is_summed => groups.push(Group { summed: size, kept: 1 }),
            // Kept axes in front of all need no sum.
            _ => {}
        }
    }
    groups
}

/// `x` [.., rows, inner] → [.., inner].
fn fold(pool: &Pool, (rows, inner): (usize, usize), x: &[f32], out: &mut [f32]) {
    if inner == 1 {
        return pieces(pool, out, rows_in_part(rows), |at, out| {
            for (i, out) in out.iter_mut().enumerate() {
                total(&x[(at + i) * rows..][..rows], out);
            }
        });
    }
    // Pieces do not cross from one outer place to the next.
    for (outer, out) in out.chunks_exact_mut(inner).enumerate() {
        let x = &x[outer * rows * inner..][..rows * inner];
        pieces(pool, out, COLUMNS, |at, out| columns(x, inner, at, out));
    }
}

widest! {
    fn total(x: &[f32], out: &mut f32) {
        *out = sum(x, |x| x);
    }
}

widest! {
    /// The columns of `x` [_, inner] from `at` on.
    fn columns(x: &[f32], inner: usize, at: usize, out: &mut [f32]) {
        let mut block = [0.0; COLUMNS];
        let block = &mut block[..out.len()];
        out.fill(0.0);
        for rows in x.chunks(BLOCK * inner) {
            block.fill(0.0);
            for row in rows.chunks_exact(inner) {
                block.iter_mut().zip(&row[at..]).for_each(|(sum, x)| *sum += x);
            }
            out.iter_mut().zip(&*block).for_each(|(out, sum)| *out += sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_and_inner_axes() {
        let x: Vec<f32> = (1..=12).map(|x| x as f32).collect();
        let pool = Pool::new(2);
        let mut out = [0.0; 3];
        sum_to(&pool, (&x, &[2, 2, 3]), &mut out, &[3]);
        assert_eq!(out, [22.0, 26.0, 30.0]);
        sum_to(&pool, (&x, &[2, 2, 3]), &mut out[..2], &[1, 2, 1]);
        assert_eq!(out[..2], [30.0, 48.0]);
        sum_to(&pool, (&x, &[2, 2, 3]), &mut out[..2], &[2, 1, 1]);
        assert_eq!(out[..2], [21.0, 57.0]);
        sum_to(&pool, (&x, &[12]), &mut out[..1], &[1]);
        assert_eq!(out[..1], [78.0]);
        sum_to(&pool, (&x[..3], &[1, 3]), &mut out, &[3]);
        assert_eq!(out, [1.0, 2.0, 3.0]);
    }
}
