//! Elementwise functions of two values, with broadcasting.

use graph::BinaryOp;

use crate::suite::{Bound, Suite};

const OPS: [BinaryOp; 7] =
    [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Max, BinaryOp::Min, BinaryOp::Ge];

/// Values that stay away from zero where they divide; no `_`, so a new function does not compile without a range.
fn range(op: BinaryOp) -> (f32, f32) {
    match op {
        BinaryOp::Div => (0.1, 3.0),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Max | BinaryOp::Min | BinaryOp::Ge => (-3.0, 3.0),
    }
}

macro_rules! shapes {
    ($suite:ident, $op:ident, $($a:tt $b:tt)*) => {
        $(pair($suite, $op, $a, $b); pair($suite, $op, $b, $a);)*
    };
}

pub fn cases(suite: &mut Suite) {
    for op in OPS {
        shapes! { suite, op,
            [1] [1]
            [7] [7]
            [257] [257]
            [65] [1]
            [5, 7] [7]
            [5, 7] [5, 1]
            [5, 1] [1, 7]
            [5, 7] []
            [2, 3, 65] [3, 65]
            [2, 3, 65] [3, 1]
            [2, 1, 3, 1] [1, 5, 1, 7]
            [2, 3, 4, 5] [4, 1]
            [2, 3, 4, 5] [2, 1, 1, 5]
            [3, 1024] [1024]
        }
    }
    suite.check(Bound::SINGLE, "a value with itself", |d| {
        let x = d.normal([65]);
        d.out(x * x);
        d.out(x.binary(BinaryOp::Sub, x));
        d.out(x.binary(BinaryOp::Ge, x));
    });
    suite.check(Bound::SINGLE, "five axes", |d| d.out(d.normal([2, 3, 1, 4, 5]) + d.normal([1, 3, 6, 1, 5])));
}

fn pair<const A: usize, const B: usize>(suite: &mut Suite, op: BinaryOp, a: [usize; A], b: [usize; B]) {
    let (low, high) = range(op);
    suite.check(Bound::SINGLE, format!("{op:?} of {a:?} and {b:?}"), |d| {
        d.out(d.uniform(a, -3.0, 3.0).binary(op, d.uniform(b, low, high)));
    });
}
