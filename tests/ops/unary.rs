//! Elementwise functions.

use graph::{Act, UnaryOp};

use crate::suite::{Bound, Suite};

/// All activations.
pub const ACTS: [Act; 7] =
    [Act::Relu, Act::Silu, Act::Gelu, Act::GeluTanh, Act::QuickGelu, Act::Sigmoid, Act::Tanh];

/// Where a function is tried; the `match` has no `_`, so a new function does not compile without its range.
fn range(op: UnaryOp) -> (f32, f32) {
    match op {
        UnaryOp::Act(act) => match act {
            Act::Relu | Act::Silu | Act::Gelu | Act::GeluTanh | Act::QuickGelu | Act::Sigmoid | Act::Tanh => {
                (-12.0, 12.0)
            }
        },
        UnaryOp::Neg | UnaryOp::Square => (-100.0, 100.0),
        UnaryOp::Exp => (-20.0, 20.0),
        UnaryOp::Log | UnaryOp::Recip => (0.01, 100.0),
        UnaryOp::Sqrt => (0.0, 100.0),
        UnaryOp::Cos | UnaryOp::Sin => (-10.0, 10.0),
    }
}

const OTHERS: [UnaryOp; 8] = [
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
    for op in ACTS.map(UnaryOp::Act).into_iter().chain(OTHERS) {
        let (low, high) = range(op);
        suite.check(Bound::SINGLE, format!("{op:?} of one value"), |d| d.out(d.floats([1], [0.7]).unary(op)));
        for n in [7, 64, 65, 1024, 1027] {
            suite.check(Bound::SINGLE, format!("{op:?} of {n}"), |d| d.out(d.uniform([n], low, high).unary(op)));
        }
        // Where 1 is taken from a sum near 1, as in most ways to a hyperbolic tangent, 10 bits are lost.
        let near = if op == UnaryOp::Act(Act::Tanh) { Bound::both(1e-8) } else { Bound::SINGLE };
        suite.check(near, format!("{op:?} near zero"), |d| {
            d.out(d.uniform([65], low.max(-1e-3), high.min(if low > 0.0 { high } else { 1e-3 })).unary(op));
        });
    }
    for act in ACTS {
        // What an exponential on the way must not turn into NaN.
        suite.check(Bound::SINGLE, format!("{act:?} far out"), |d| {
            d.out(d.floats([8], [-1e4, -100.0, -30.0, -0.0, 0.0, 30.0, 100.0, 1e4]).act(act));
        });
    }
    suite.check(Bound::SINGLE, "large exponents", |d| d.out(d.floats([4], [-100.0, -87.0, 0.0, 88.0]).unary(UnaryOp::Exp)));
    suite.check(Bound::SINGLE, "more than a dispatch's axis", |d| d.out(d.normal([1 << 22]).unary(UnaryOp::Neg)));
}
