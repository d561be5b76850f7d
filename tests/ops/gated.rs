//! Gated feed-forward units.

use crate::suite::{Bound, Suite};
use crate::unary::ACTS;

pub fn cases(suite: &mut Suite) {
    for act in ACTS {
        for n in [1, 7, 64, 65, 1027] {
            suite.check(Bound::SINGLE, format!("{act:?} [3, {n}]"), |d| {
                d.out(d.uniform([3, n], -12.0, 12.0).gated(d.normal([3, n]), act));
            });
        }
        suite.check(Bound::SINGLE, format!("{act:?} far out"), |d| {
            d.out(d.floats([4], [-1e4, -100.0, 100.0, 1e4]).gated(d.normal([4]), act));
        });
    }
    suite.check(Bound::SINGLE, "one value as gate and up", |d| {
        let x = d.normal([2, 3, 33]);
        d.out(x.gated(x, graph::Act::Silu));
    });
}
