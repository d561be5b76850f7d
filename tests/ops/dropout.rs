//! Masks that follow from numbers.

use graph::{Dropout, Op};

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (n, rate, salt) in [(1, 0.5, 1), (67, 0.1, 2), (1025, 0.0, 3), (20_000, 0.9, 4)] {
        suite.check(Bound::SINGLE, format!("{n} values at {rate}"), |d| {
            let (x, rng) = (d.normal([n]), d.integers([2], [-5, 1_000_000 + n as i32]));
            d.out(d.g.push(Op::Dropout(Dropout { rate, salt }), &[x, rng]));
        });
    }
}
