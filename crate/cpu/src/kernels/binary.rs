//! Elementwise functions of two values, with broadcasting.

use graph::BinaryOp;

use super::strided::{Walk, strides};
use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

/// `a`, `b` broadcast to `shape`.
pub(crate) fn binary(
    pool: &Pool,
    op: BinaryOp,
    (a, a_shape): (&[f32], &[usize]),
    (b, b_shape): (&[f32], &[usize]),
    out: &mut [f32],
    shape: &[usize],
) {
    if a_shape == b_shape {
        return pieces(pool, out, PART, |at, out| each(op, &a[at..][..out.len()], &b[at..][..out.len()], out));
    }
    let (a_steps, b_steps) = (steps(a_shape, shape), steps(b_shape, shape));
    let walk = Walk::new(shape, [0, 0], |i| [a_steps[i], b_steps[i]]);
    pieces(pool, out, PART, |at, out| {
        walk.runs(at, out.len(), |first, len, [i, j], [a_step, b_step]| {
            let out = &mut out[first..][..len];
            match (a_step, b_step) {
                (0, 0) => each(op, &a[i..=i], &b[j..=j], &mut out[..1]),
                (_, 0) => right(op, &a[i..][..len], b[j], out),
                (0, _) => left(op, a[i], &b[j..][..len], out),
                _ => each(op, &a[i..][..len], &b[j..][..len], out),
            }
            if (a_step, b_step) == (0, 0) {
                let value = out[0];
                out.fill(value);
            }
        });
    });
}

/// The step of each axis of `shape` in a value of shape `own`: none where it is stretched.
pub(crate) fn steps(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let dense = strides(own);
    let missing = shape.len().saturating_sub(own.len());
    let step = |i: usize| i.checked_sub(missing).filter(|j| own[*j] != 1).map_or(0, |j| dense[j]);
    (0..shape.len()).map(step).collect()
}

macro_rules! by_op {
    ($op:expr, $out:expr, $pairs:expr) => {
        match $op {
            BinaryOp::Add => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = a + b),
            BinaryOp::Sub => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = a - b),
            BinaryOp::Mul => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = a * b),
            BinaryOp::Div => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = a / b),
            BinaryOp::Max => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = largest(a, b)),
            BinaryOp::Min => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = smallest(a, b)),
            BinaryOp::Ge => $out.iter_mut().zip($pairs).for_each(|(out, (a, b))| *out = f32::from(u8::from(a >= b))),
        }
    };
}

/// What is not a number stays visible.
#[inline(always)]
fn largest(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn smallest(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

widest! {
    fn each(op: BinaryOp, a: &[f32], b: &[f32], out: &mut [f32]) {
        by_op!(op, out, a.iter().copied().zip(b.iter().copied()))
    }
}

widest! {
    fn right(op: BinaryOp, a: &[f32], b: f32, out: &mut [f32]) {
        by_op!(op, out, a.iter().map(|a| (*a, b)))
    }
}

widest! {
    fn left(op: BinaryOp, a: f32, b: &[f32], out: &mut [f32]) {
        by_op!(op, out, b.iter().map(|b| (a, *b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_stretch() {
        let pool = Pool::new(2);
        let mut out = [0.0; 6];
        let (a, b) = ([1.0, 2.0, 3.0], [10.0, 20.0]);
        binary(&pool, BinaryOp::Add, (&a, &[3]), (&b, &[2, 1]), &mut out, &[2, 3]);
        assert_eq!(out, [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
        binary(&pool, BinaryOp::Sub, (&b, &[2, 1]), (&a, &[1, 3]), &mut out, &[2, 3]);
        assert_eq!(out, [9.0, 8.0, 7.0, 19.0, 18.0, 17.0]);
        binary(&pool, BinaryOp::Max, (&[2.5], &[]), (&a, &[3]), &mut out[..3], &[3]);
        assert_eq!(out[..3], [2.5, 2.5, 3.0]);
        binary(&pool, BinaryOp::Mul, (&b, &[2, 1]), (&[2.0], &[1]), &mut out[..2], &[2, 1]);
        assert_eq!(out[..2], [20.0, 40.0]);
    }
}
