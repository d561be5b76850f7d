//! A factor and an offset.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (factor, offset) in [(1.0, 0.0), (0.0, 3.0), (-2.5, 0.75), (1e10, -1.0), (1e-10, 0.0)] {
        for n in [1, 7, 64, 65, 1027] {
            suite.check(Bound::SINGLE, format!("{n} times {factor} plus {offset}"), |d| {
                d.out(d.normal([n]).affine(factor, offset));
            });
        }
    }
    suite.check(Bound::SINGLE, "no axis", |d| d.out(d.floats([], [2.0]).affine(3.0, 1.0)));
    suite.check(Bound::SINGLE, "four axes", |d| d.out(d.normal([2, 3, 4, 5]).affine(3.0, 1.0)));
}
