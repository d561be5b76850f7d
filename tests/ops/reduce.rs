//! Reductions over the last axis.

use graph::Reduce;

use crate::suite::{Bound, Suite};

const ALL: [Reduce; 3] = [Reduce::Sum, Reduce::Mean, Reduce::Max];

/// No `_`: a new reduction does not compile without a case.
fn starts(reduce: Reduce) -> f32 {
    match reduce {
        Reduce::Sum | Reduce::Mean => 0.5,
        Reduce::Max => -1e30,
    }
}

pub fn cases(suite: &mut Suite) {
    for reduce in ALL {
        for width in [1, 7, 64, 65, 257, 5003] {
            for rows in [1, 5, 66] {
                suite.check(Bound::SINGLE, format!("{reduce:?} [{rows}, {width}]"), |d| {
                    d.out(d.uniform([rows, width], -1.0, 2.0).reduce(reduce));
                });
            }
        }
        suite.check(Bound::SINGLE, format!("{reduce:?} of a vocabulary"), |d| {
            d.out(d.uniform([1, 151_936], -1.0, 2.0).reduce(reduce));
        });
        suite.check(Bound::SINGLE, format!("{reduce:?}, four axes"), |d| d.out(d.normal([2, 3, 4, 65]).reduce(reduce)));
        suite.check(Bound::SINGLE, format!("{reduce:?}, one axis"), |d| d.out(d.normal([65]).reduce(reduce)));
        suite.check(Bound::SINGLE, format!("{reduce:?} of equal values"), |d| {
            d.out(d.floats([2, 65], [starts(reduce); 130]).reduce(reduce));
        });
        suite.check(Bound::SINGLE, format!("{reduce:?} of large values"), |d| {
            d.out(d.uniform([3, 257], 1e35, 1e36).reduce(reduce));
        });
        suite.check(Bound::SINGLE, format!("{reduce:?} of negative values"), |d| {
            d.out(d.uniform([3, 257], -1e36, -1e35).reduce(reduce));
        });
    }
}
