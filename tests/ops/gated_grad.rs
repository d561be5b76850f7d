//! The gradients of a gate and of what it gates.

use graph::{Act, Gate, Op};

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for act in [Act::Silu, Act::Gelu, Act::GeluTanh, Act::Sigmoid, Act::Relu] {
        for (rows, width) in [(1, 1), (3, 65), (7, 257)] {
            suite.check(Bound::SINGLE, format!("{act:?} {rows}x{width}"), |d| {
                let inputs = [d.normal([rows, width]), d.normal([rows, width]), d.normal([rows, width])];
                let dgate = d.g.push(Op::GatedGrad(Gate { act }), &inputs);
                d.out(dgate);
                d.out(dgate.output(1));
            });
        }
    }
}
