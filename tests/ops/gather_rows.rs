//! Rows of a table: of every stored type, of activations, with ids outside.

use format::QuantType;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    // The GPU holds some types as Q8_0, which adds an error of half a step in 127.
    let bound = Bound { cpu: 1e-12, gpu: 1e-4 };
    for ty in QuantType::all() {
        for blocks in [1, 3] {
            let cols = blocks * ty.block_len().max(8);
            suite.check(bound, format!("{ty} [257, {cols}]"), |d| {
                d.stored(ty, QuantType::F32);
                d.out(d.at("w").weight([257, cols]).gather_rows(d.below([65], 257)));
            });
        }
    }
    for ty in [QuantType::F32, QuantType::F16, QuantType::BF16] {
        for (rows, cols) in [(1, 1), (7, 1), (1, 65), (64, 7), (5, 257)] {
            suite.check(Bound::EXACT, format!("{ty} [{rows}, {cols}]"), |d| {
                d.stored(ty, QuantType::F32);
                d.out(d.at("w").weight([rows, cols]).gather_rows(d.below([2, 3], rows)));
            });
        }
    }
    for ty in [QuantType::F32, QuantType::F16, QuantType::Q8_0, QuantType::Q4_K] {
        suite.check(Bound { cpu: 1e-12, gpu: 1e-10 }, format!("{ty}, ids outside"), |d| {
            d.stored(ty, QuantType::F32);
            let ids = d.integers([6], [-1, 0, 6, 7, i32::MAX, i32::MIN]);
            d.out(d.at("w").weight([7, 256]).gather_rows(ids));
        });
    }
    for shape in [[1, 1], [7, 33], [257, 4]] {
        suite.check(Bound::EXACT, format!("activations {shape:?}"), |d| {
            d.out(d.normal(shape).gather_rows(d.integers([4], [0, shape[0] as i32 - 1, -1, shape[0] as i32])));
        });
        suite.check(Bound::EXACT, format!("integers {shape:?}"), |d| {
            d.out(d.below(shape, 1 << 30).gather_rows(d.integers([3], [0, shape[0] as i32 - 1, -1])));
        });
    }
    suite.check(Bound::EXACT, "one id without an axis", |d| d.out(d.normal([5, 7]).gather_rows(d.integers([], [3]))));
    suite.check(Bound::EXACT, "ids of three axes", |d| d.out(d.normal([5, 7]).gather_rows(d.below([2, 3, 4], 5))));
    suite.check(Bound::EXACT, "rows of computed values", |d| {
        d.out(d.normal([5, 3, 7]).permute([1, 0, 2]).reshape([15, 7]).gather_rows(d.below([4], 15)));
    });
}
