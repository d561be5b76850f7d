//! What windows see.

use graph::{Bias, Window};

use crate::suite::{Bound, Suite};

/// Squares and others, strides beyond the window, padding, gaps.
pub const WINDOWS: [Window; 8] = [
    Window::square(1, 1, 0),
    Window::square(2, 2, 0),
    Window::square(3, 1, 1),
    Window::square(3, 2, 1),
    Window::square(1, 3, 0),
    Window { kernel: [2, 3], stride: [1, 2], padding: [0, 1], dilation: [1, 1] },
    Window { kernel: [3, 2], stride: [2, 1], padding: [2, 3], dilation: [2, 3] },
    Window { kernel: [4, 1], stride: [4, 1], padding: [0, 0], dilation: [1, 1] },
];

pub fn cases(suite: &mut Suite) {
    for window in WINDOWS {
        for [b, h, w, c] in [[1, 5, 7, 1], [2, 8, 6, 3], [1, 13, 11, 65]] {
            suite.check(Bound::EXACT, format!("{window:?} of [{b}, {h}, {w}, {c}]"), |d| {
                d.out(d.normal([b, h, w, c]).unfold(window));
            });
        }
    }
    for window in [Window::square(3, 1, 1), Window::square(4, 4, 0), Window::square(1, 2, 0)] {
        suite.check(Bound::SINGLE, format!("a convolution {window:?}"), |d| {
            d.out(d.normal([2, 9, 12, 5]).conv2d(&d.at("conv"), 33, window, Bias::Add, Some(graph::Act::Gelu)));
        });
    }
    suite.check(Bound::SINGLE, "a tall convolution", |d| {
        d.out(d.normal([1, 33, 65, 16]).conv2d(&d.at("conv"), 24, Window::square(3, 1, 1), Bias::None, None));
    });
    suite.check(Bound::SINGLE, "what a window sees, read twice", |d| {
        let seen = d.normal([1, 7, 7, 4]).unfold(Window::square(3, 1, 1));
        d.out(seen.linear(&d.at("a"), 8, Bias::Add));
        d.out(seen.linear(&d.at("b"), 3, Bias::None));
    });
    suite.check(Bound::SINGLE, "groups", |d| {
        d.out(d.normal([2, 6, 5, 12]).grouped_conv2d(&d.at("conv"), 8, 4, Window::square(3, 1, 1), Bias::Add));
    });
    suite.check(Bound::EXACT, "the largest in a window", |d| {
        d.out(d.normal([2, 6, 8, 5]).max_pool2d(Window::square(2, 2, 0)));
    });
}
