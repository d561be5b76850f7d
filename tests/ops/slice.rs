//! Parts of an axis.

use graph::Dim;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (n, start, len) in [(1, 0, 1), (7, 2, 3), (64, 63, 1), (257, 0, 65), (300, 43, 257)] {
        suite.check(Bound::EXACT, format!("{start}+{len} of [{n}]"), |d| d.out(d.normal([n]).slice(0, start, len)));
        for axis in 0..3 {
            let mut shape = [3, 4, 5];
            shape[axis] = n;
            suite.check(Bound::EXACT, format!("{start}+{len} of axis {axis} of {shape:?}"), |d| {
                d.out(d.normal(shape).slice(axis, start, len));
            });
        }
    }
    for axis in 0..4 {
        suite.check(Bound::EXACT, format!("four axes, {axis}"), |d| d.out(d.normal([5, 6, 7, 8]).slice(axis, 2, 3)));
    }
    suite.check(Bound::EXACT, "integers", |d| d.out(d.below([5, 66], 1 << 30).slice(1, 3, 60)));
    suite.check(Bound::EXACT, "three parts of the last axis", |d| {
        for part in d.normal([2, 5, 99]).split_last([33, 65, 1]) {
            d.out(part);
        }
    });
    for n in [1, 7, 65] {
        suite.check(Bound::EXACT, format!("of {n} rows behind others"), |d| {
            let rows = d.normal([3, 9]).concat(&[d.rows([n, 9])], 0); // [T + 3, 9]
            d.out(rows.slice(0, Dim::from('T'), 3));
            d.out(rows.slice(0, 2, Dim::from('T')));
        });
    }
    suite.check(Bound::EXACT, "of a weight", |d| d.out(d.at("w").weight([9, 66]).slice(0, 2, 5)));
}
