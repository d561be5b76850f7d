//! Dropout by counted random numbers.

use graph::Dropout;

use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

/// `rng` is the seed and the step.
pub(crate) fn dropout(pool: &Pool, spec: Dropout, rng: [i32; 2], x: &[f32], out: &mut [f32]) {
    let limit = (f64::from(spec.rate) * 4_294_967_296.0) as u32;
    let factor = 1.0 / (1.0 - spec.rate);
    let state =
        [rng[0] as u32, rng[1] as u32, spec.salt].into_iter().fold(0x9E37_79B9, |state, word| mix(state ^ word));
    pieces(pool, out, PART, |at, out| piece(state, at as u32, (limit, factor), &x[at..][..out.len()], out));
}

widest! {
    fn piece(state: u32, first: u32, keep: (u32, f32), x: &[f32], out: &mut [f32]) {
        let (limit, factor) = keep;
        for (i, (x, out)) in (0u32..).zip(x.iter().zip(out)) {
            let factor = if mix(state ^ first.wrapping_add(i)) >= limit { factor } else { 0.0 };
            *out = x * factor;
        }
    }
}

/// One round of [`graph::random_u32`].
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_that_of_the_graph() {
        let mut out = [0.0; 1000];
        dropout(&Pool::new(2), Dropout { rate: 0.25, salt: 9 }, [7, -3], &[3.0; 1000], &mut out);
        for (i, out) in out.iter().enumerate() {
            let kept = graph::random_u32(7, -3i32 as u32, 9, i as u32) >= 1 << 30;
            assert_eq!(*out, if kept { 4.0 } else { 0.0 });
        }
    }
}
