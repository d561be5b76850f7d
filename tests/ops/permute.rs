//! Other orders of axes.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for shape in [[1, 1], [7, 64], [65, 3], [257, 66]] {
        for axes in [[0, 1], [1, 0]] {
            suite.check(Bound::EXACT, format!("{shape:?} by {axes:?}"), |d| d.out(d.normal(shape).permute(axes)));
        }
    }
    for axes in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for shape in [[1, 7, 1], [5, 7, 66], [2, 257, 3]] {
            suite.check(Bound::EXACT, format!("{shape:?} by {axes:?}"), |d| d.out(d.normal(shape).permute(axes)));
        }
    }
    for axes in [[0, 2, 1, 3], [3, 2, 1, 0], [0, 1, 3, 2], [2, 0, 3, 1], [1, 3, 0, 2]] {
        suite.check(Bound::EXACT, format!("four axes by {axes:?}"), |d| d.out(d.normal([2, 3, 5, 7]).permute(axes)));
    }
    suite.check(Bound::EXACT, "five axes", |d| d.out(d.normal([2, 3, 1, 5, 4]).permute([4, 2, 0, 3, 1])));
    suite.check(Bound::EXACT, "six axes", |d| d.out(d.normal([2, 3, 2, 5, 4, 3]).permute([5, 4, 2, 0, 3, 1])));
    suite.check(Bound::EXACT, "one axis", |d| d.out(d.normal([65]).permute([0])));
    suite.check(Bound::EXACT, "integers", |d| d.out(d.below([5, 66], 1 << 30).permute([1, 0])));
    suite.check(Bound::EXACT, "there and back", |d| {
        d.out(d.normal([5, 7, 3]).permute([2, 0, 1]).permute([1, 2, 0]));
    });
    suite.check(Bound::EXACT, "of a weight", |d| d.out(d.at("w").weight([5, 66]).permute([1, 0])));
    for (h, w, size) in [(4, 6, 2), (5, 7, 3), (14, 14, 14), (3, 9, 4)] {
        suite.check(Bound::EXACT, format!("[{h}, {w}] in windows of {size} and back"), |d| {
            let x = d.normal([2, h, w, 3]);
            let cut = x.partition(size);
            d.out(cut);
            d.out(cut.unpartition(x.dim(0), [h, w]));
        });
    }
}
