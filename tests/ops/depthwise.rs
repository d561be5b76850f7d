//! Convolutions of each channel by itself.

use graph::{Act, Bias};

use crate::suite::{Bound, Suite};
use crate::unfold::WINDOWS;

pub fn cases(suite: &mut Suite) {
    for window in WINDOWS {
        for ([b, h, w, c], bias, act) in [
            ([1, 5, 7, 1], Bias::None, None),
            ([2, 8, 6, 3], Bias::Add, Some(Act::Gelu)),
            ([1, 13, 11, 65], Bias::Add, None),
        ] {
            suite.check(Bound::SINGLE, format!("{window:?} of [{b}, {h}, {w}, {c}]"), |d| {
                d.out(d.normal([b, h, w, c]).depthwise(&d.at("conv"), window, bias, act));
            });
        }
    }
}
