//! Layer norm.

use format::QuantType;
use graph::Bias;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for width in [1, 7, 64, 65, 257, 1024] {
        for (rows, bias) in [(1, Bias::Add), (5, Bias::None), (66, Bias::Add)] {
            suite.check(Bound::SINGLE, format!("[{rows}, {width}] {bias:?}"), |d| {
                d.out(d.normal([rows, width]).layer_norm(&d.at("w"), 1e-5, bias));
            });
        }
    }
    for ty in [QuantType::F16, QuantType::BF16] {
        suite.check(Bound::SINGLE, format!("weights of {ty}"), |d| {
            d.stored(ty, ty);
            d.out(d.normal([3, 65]).layer_norm(&d.at("w"), 1e-5, Bias::Add));
        });
    }
    suite.check(Bound::SINGLE, "one vector", |d| d.out(d.normal([65]).layer_norm(&d.at("w"), 1e-5, Bias::Add)));
    suite.check(Bound::SINGLE, "equal values", |d| {
        d.out(d.floats([2, 65], [3.0; 130]).layer_norm(&d.at("w"), 1e-5, Bias::Add));
    });
    // A mean of 1000 deviations: the difference from the mean keeps 14 of 24 bits, a one-pass variance keeps 4.
    suite.check(Bound::both(1e-7), "a large mean", |d| {
        d.out(d.normal([3, 257]).affine(1.0, 1000.0).layer_norm(&d.at("w"), 1e-5, Bias::Add));
    });
}
