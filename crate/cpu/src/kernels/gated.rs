//! `act(gate) * up`.

use graph::Act;

use crate::matrix::act;
use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

/// All of one length.
pub(crate) fn gated(pool: &Pool, act: Act, gate: &[f32], up: &[f32], out: &mut [f32]) {
    pieces(pool, out, PART / 4, |at, out| one(act, &gate[at..][..out.len()], &up[at..][..out.len()], out));
}

widest! {
    fn one(act: Act, gate: &[f32], up: &[f32], out: &mut [f32]) {
        out.copy_from_slice(gate);
        act::finish(out, None, Some(act));
        for (out, up) in out.iter_mut().zip(up) {
            *out *= up;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_of_relu() {
        let mut out = [0.0; 3];
        gated(&Pool::new(1), Act::Relu, &[-1.0, 2.0, 3.0], &[5.0, 6.0, -7.0], &mut out);
        assert_eq!(out, [0.0, 12.0, -21.0]);
    }
}
