//! Elementwise functions of one value.

use graph::{Act, UnaryOp};

use super::trig::{Wave, waves};
use crate::matrix::act;
use crate::parts::{PART, pieces, widest};
use crate::pool::Pool;

pub(crate) fn unary(pool: &Pool, op: UnaryOp, x: &[f32], out: &mut [f32]) {
    pieces(pool, out, PART / 4, |at, out| {
        out.copy_from_slice(&x[at..][..out.len()]);
        one(op, out);
    });
}

fn one(op: UnaryOp, out: &mut [f32]) {
    let each = |out: &mut [f32], f: fn(f32) -> f32| out.iter_mut().for_each(|x| *x = f(*x));
    match op {
        UnaryOp::Act(act) => activate(act, out),
        UnaryOp::Neg => each(out, |x| -x),
        UnaryOp::Exp => each(out, f32::exp),
        UnaryOp::Log => each(out, f32::ln),
        UnaryOp::Square => each(out, |x| x * x),
        UnaryOp::Sqrt => each(out, f32::sqrt),
        UnaryOp::Recip => each(out, |x| 1.0 / x),
        UnaryOp::Cos => wave(Wave::Cos, out),
        UnaryOp::Sin => wave(Wave::Sin, out),
    }
}

widest! {
    fn activate(act: Act, out: &mut [f32]) {
        act::finish(out, None, Some(act));
    }
}

widest! {
    fn wave(wave: Wave, out: &mut [f32]) {
        waves(wave, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let cases = [
            (UnaryOp::Neg, 2.0, -2.0),
            (UnaryOp::Exp, 0.0, 1.0),
            (UnaryOp::Log, 1.0, 0.0),
            (UnaryOp::Square, -3.0, 9.0),
            (UnaryOp::Sqrt, 9.0, 3.0),
            (UnaryOp::Recip, 4.0, 0.25),
            (UnaryOp::Cos, 0.0, 1.0),
            (UnaryOp::Sin, 0.0, 0.0),
            (UnaryOp::Act(Act::Relu), -1.0, 0.0),
            (UnaryOp::Act(Act::Sigmoid), 0.0, 0.5),
        ];
        for (op, x, expected) in cases {
            let mut out = [0.0];
            unary(&Pool::new(1), op, &[x], &mut out);
            assert!((out[0] - expected).abs() < 1e-6, "{op:?}({x}) = {}", out[0]);
        }
    }
}
