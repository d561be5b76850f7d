//! The gradients of both norms.

use graph::Op;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (rows, width) in [(1, 1), (1, 64), (3, 67), (65, 32), (300, 128), (2, 1025)] {
        for (op, outputs) in [(Op::RmsNormGrad { eps: 1e-5 }, 2), (Op::LayerNormGrad { eps: 1e-5 }, 3)] {
            suite.check(Bound::SINGLE, format!("{} {rows}x{width}", op.name()), |d| {
                let inputs = [d.normal([rows, width]), d.uniform([width], 0.5, 1.5), d.normal([rows, width])];
                let dx = d.g.push(op.clone(), &inputs);
                // With one value the gradient is zero but for eps, and its rounding has no scale.
                let first = u8::from(width == 1);
                (first..outputs).for_each(|output| d.out(dx.output(output)));
            });
        }
    }
}
