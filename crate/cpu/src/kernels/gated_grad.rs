//! The gradients of `act(gate) * up`.

use graph::Act;

use super::unary_grad::each_act;
use crate::parts::{PART, together, widest};
use crate::pool::Pool;

/// All of one length; the results are those of `gate` and `up`.
pub(crate) fn gated_grad(pool: &Pool, act: Act, gate: &[f32], up: &[f32], dy: &[f32], out: [&mut [f32]; 2]) {
    let step = PART / 4;
    together(pool, out, [step; 2], |part, [dgate, dup]| {
        let (at, len) = (part * step, dgate.len());
        piece(act, [&gate[at..][..len], &up[at..][..len], &dy[at..][..len]], dgate, dup);
    });
}

widest! {
    fn piece(act: Act, inputs: [&[f32]; 3], dgate: &mut [f32], dup: &mut [f32]) {
        each_act!(act, |f| each(inputs, dgate, dup, f));
    }
}

#[inline(always)]
fn each([gate, up, dy]: [&[f32]; 3], dgate: &mut [f32], dup: &mut [f32], f: impl Fn(f32) -> (f32, f32)) {
    let inputs = gate.iter().zip(up).zip(dy);
    for (((gate, up), dy), (dgate, dup)) in inputs.zip(dgate.iter_mut().zip(dup)) {
        let (value, slope) = f(*gate);
        (*dgate, *dup) = (dy * up * slope, dy * value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_of_relu() {
        let (mut dgate, mut dup) = ([9.0; 2], [9.0; 2]);
        gated_grad(&Pool::new(1), Act::Relu, &[-1.0, 2.0], &[5.0, 6.0], &[1.0, 10.0], [&mut dgate, &mut dup]);
        assert_eq!((dgate, dup), ([0.0, 60.0], [0.0, 20.0]));
    }
}
