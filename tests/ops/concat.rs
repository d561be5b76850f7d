//! Values joined along an axis.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (a, b) in [(1, 1), (7, 64), (65, 1), (257, 66)] {
        suite.check(Bound::EXACT, format!("{a} and {b}"), |d| d.out(d.normal([a]).concat(&[d.normal([b])], 0)));
        for axis in 0..3 {
            let of = |n: usize| {
                let mut shape = [3, 4, 5];
                shape[axis] = n;
                shape
            };
            suite.check(Bound::EXACT, format!("{a} and {b} along axis {axis}"), |d| {
                d.out(d.normal(of(a)).concat(&[d.normal(of(b))], axis));
            });
        }
    }
    for axis in 0..4 {
        suite.check(Bound::EXACT, format!("three of four axes, {axis}"), |d| {
            let mut shapes = [[2, 3, 4, 5]; 3];
            (shapes[1][axis], shapes[2][axis]) = (1, 9);
            let [a, b, c] = shapes.map(|shape| d.normal(shape));
            d.out(a.concat(&[b, c], axis));
        });
    }
    suite.check(Bound::EXACT, "one alone", |d| d.out(d.normal([5, 7]).concat(&[], 1)));
    suite.check(Bound::EXACT, "twelve", |d| {
        let parts: Vec<_> = (1..12).map(|n| d.normal([3, n])).collect();
        d.out(d.normal([3, 66]).concat(&parts, 1));
    });
    suite.check(Bound::EXACT, "a value with itself", |d| {
        let x = d.normal([5, 7]);
        d.out(x.concat(&[x], 0));
    });
    suite.check(Bound::EXACT, "integers", |d| d.out(d.below([5, 7], 99).concat(&[d.below([5, 2], 99)], 1)));
    suite.check(Bound::EXACT, "with a weight", |d| d.out(d.at("w").weight([5, 7]).concat(&[d.normal([5, 2])], 1)));
}
