//! Softmax over the last axis.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for width in [1, 7, 64, 65, 257, 1000, 5003] {
        for rows in [1, 5, 66] {
            suite.check(Bound::SINGLE, format!("[{rows}, {width}]"), |d| d.out(d.normal([rows, width]).scale(3.0).softmax()));
        }
    }
    // Vocabularies: software adapters end an invocation after some 65,000 turns of its loops.
    for width in [49_152, 151_936] {
        suite.check(Bound::SINGLE, format!("[2, {width}]"), |d| d.out(d.normal([2, width]).scale(3.0).softmax()));
    }
    suite.check(Bound::SINGLE, "four axes", |d| d.out(d.normal([2, 3, 4, 5]).softmax()));
    suite.check(Bound::SINGLE, "one axis", |d| d.out(d.normal([65]).softmax()));
    for (name, values) in [
        ("far apart", [1e30, -1e30, 0.0, 1e30]),
        ("all low", [-1e30, -1e30, -1e30, -1e30]),
        ("beyond exp", [200.0, 199.0, -200.0, 198.0]),
        ("one is hidden", [f32::MIN, 0.0, 1.0, 2.0]),
    ] {
        suite.check(Bound::SINGLE, name, |d| d.out(d.floats([1, 4], values).softmax()));
    }
}
