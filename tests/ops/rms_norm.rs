//! Root mean square norm.

use format::QuantType;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for width in [1, 7, 64, 65, 257, 1024] {
        for rows in [1, 5, 66] {
            suite.check(Bound::SINGLE, format!("[{rows}, {width}]"), |d| {
                d.out(d.normal([rows, width]).rms_norm(&d.at("w"), 1e-5));
            });
        }
    }
    for ty in [QuantType::F16, QuantType::BF16] {
        suite.check(Bound::SINGLE, format!("a weight of {ty}"), |d| {
            d.stored(ty, ty);
            d.out(d.normal([3, 65]).rms_norm(&d.at("w"), 1e-6));
        });
    }
    suite.check(Bound::SINGLE, "one vector", |d| d.out(d.normal([65]).rms_norm(&d.at("w"), 1e-5)));
    suite.check(Bound::SINGLE, "heads", |d| d.out(d.normal([2, 3, 5, 16]).rms_norm(&d.at("w"), 1e-6)));
    suite.check(Bound::EXACT, "zeros", |d| d.out(d.floats([2, 65], [0.0; 130]).rms_norm(&d.at("w"), 1e-5)));
    suite.check(Bound::SINGLE, "large values", |d| d.out(d.normal([3, 65]).scale(1e15).rms_norm(&d.at("w"), 1e-5)));
    suite.check(Bound::SINGLE, "values below eps", |d| d.out(d.normal([3, 65]).scale(1e-6).rms_norm(&d.at("w"), 1e-5)));
}
