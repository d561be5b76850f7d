//! Derivatives of the elementwise functions.

use graph::{Act, Op, UnaryOp};

use crate::suite::{Bound, Suite};

const ALL: [UnaryOp; 15] = [
    UnaryOp::Act(Act::Relu),
    UnaryOp::Act(Act::Silu),
    UnaryOp::Act(Act::Gelu),
    UnaryOp::Act(Act::GeluTanh),
    UnaryOp::Act(Act::QuickGelu),
    UnaryOp::Act(Act::Sigmoid),
    UnaryOp::Act(Act::Tanh),
    UnaryOp::Neg,
    UnaryOp::Exp,
    UnaryOp::Log,
    UnaryOp::Square,
    UnaryOp::Sqrt,
    UnaryOp::Recip,
    UnaryOp::Cos,
    UnaryOp::Sin,
];

pub fn cases(suite: &mut Suite) {
    for op in ALL {
        // A root and a logarithm have no derivative at or below zero.
        let low = if matches!(op, UnaryOp::Log | UnaryOp::Sqrt | UnaryOp::Recip) { 0.1 } else { -6.0 };
        for n in [1, 67, 1025] {
            suite.check(Bound::SINGLE, format!("{op:?} of {n}"), |d| {
                let (x, dy) = (d.uniform([n], low, 6.0), d.normal([n]));
                d.out(d.g.push(Op::UnaryGrad(op), &[x, dy]));
            });
        }
    }
    for act in [Act::Silu, Act::Gelu, Act::GeluTanh, Act::QuickGelu, Act::Sigmoid, Act::Tanh] {
        suite.check(Bound::SINGLE, format!("{act:?} far out"), |d| {
            let (x, dy) = (d.floats([6], [-1e4, -90.0, -20.0, 20.0, 90.0, 1e4]), d.floats([6], [1.0; 6]));
            d.out(d.g.push(Op::UnaryGrad(UnaryOp::Act(act)), &[x, dy]));
        });
    }
}
