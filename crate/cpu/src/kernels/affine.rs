//! `x * factor + offset`.

use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

pub(crate) fn affine(pool: &Pool, factor: f32, offset: f32, x: &[f32], out: &mut [f32]) {
    pieces(pool, out, PART, |at, out| one(factor, offset, &x[at..][..out.len()], out));
}

widest! {
    fn one(factor: f32, offset: f32, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = x * factor + offset;
        }
    }
}
