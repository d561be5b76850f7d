//! Sums of what windows hold.

use graph::{Bias, Window};

use crate::suite::{Bound, Suite};
use crate::unfold::WINDOWS;

pub fn cases(suite: &mut Suite) {
    for window in WINDOWS {
        for [b, h, w, c] in [[1, 5, 7, 1], [2, 8, 6, 3], [1, 13, 11, 65]] {
            let Some([down, across]) = window.places([h, w]) else { continue };
            suite.check(Bound::SINGLE, format!("{window:?} into [{b}, {h}, {w}, {c}]"), |d| {
                d.out(d.normal([b, down, across, window.taps() * c]).fold(window, [h, w]));
            });
        }
    }
    for (window, more) in [
        (Window::square(2, 2, 0), [0, 0]),
        (Window::square(3, 2, 1), [1, 1]),
        (Window::square(4, 2, 1), [0, 0]),
        (Window { dilation: [2, 1], ..Window::square(3, 1, 0) }, [0, 0]),
    ] {
        suite.check(Bound::SINGLE, format!("a transposed convolution {window:?} and {more:?}"), |d| {
            d.out(d.normal([2, 5, 7, 12]).conv_transpose2d(&d.at("conv"), 6, window, more, Bias::Add));
        });
    }
}
