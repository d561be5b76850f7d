//! Other shapes of the same elements.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    suite.check(Bound::EXACT, "one value", |d| d.out(d.normal([1, 1]).reshape([1])));
    suite.check(Bound::EXACT, "no axis", |d| d.out(d.normal([1]).reshape(Vec::new())));
    suite.check(Bound::EXACT, "rows", |d| d.out(d.normal([6, 65]).reshape([2, 3, 65])));
    suite.check(Bound::EXACT, "flat", |d| d.out(d.normal([2, 3, 4, 5]).reshape([120])));
    suite.check(Bound::EXACT, "integers", |d| d.out(d.below([6, 7], 99).reshape([7, 6])));
    suite.check(Bound::EXACT, "heads and back", |d| {
        let x = d.normal([2, 3, 64]).heads(4);
        d.out(x);
        d.out(x.merge_heads());
    });
    suite.check(Bound::EXACT, "after a permutation", |d| d.out(d.normal([5, 7]).permute([1, 0]).reshape([5, 7])));
    suite.check(Bound::SINGLE, "both shapes are read", |d| {
        let x = d.normal([6, 7]).silu();
        let y = x.reshape([7, 6]);
        d.out(y.softmax());
        d.out(x.softmax());
    });
    suite.check(Bound::SINGLE, "of a weight", |d| d.out(d.at("w").weight([6, 7]).reshape([42]).scale(2.0)));
    suite.check(Bound::EXACT, "twice", |d| d.out(d.normal([6, 7]).reshape([42]).reshape([3, 14])));
}
