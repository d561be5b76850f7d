//! Zeros along one axis.

use graph::Dim;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (start, size) in [(0, 5), (0, 6), (1, 6), (3, 130)] {
        suite.check(Bound::EXACT, format!("first axis at {start} of {size}"), |d| {
            d.out(d.normal([5, 65]).pad(0, start, size));
        });
        suite.check(Bound::EXACT, format!("middle axis at {start} of {size}"), |d| {
            d.out(d.normal([3, 5, 7]).pad(1, start, size));
        });
        suite.check(Bound::EXACT, format!("last axis at {start} of {size}"), |d| {
            d.out(d.normal([2, 3, 5]).pad(2, start, size));
        });
    }
    for n in [1, 7, 65] {
        suite.check(Bound::EXACT, format!("{n} rows behind as many"), |d| {
            d.out(d.rows([n, 5]).pad(0, Dim::from('T'), Dim::from('T') * 2.into()));
        });
    }
}
