//! Broadcasting as an operation of its own.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    let dims = |list: &[usize]| list.iter().map(|n| graph::Dim::from(*n)).collect::<Vec<_>>();
    suite.check(Bound::EXACT, "[1]", |d| d.out(d.normal([1]).expand(dims(&[65]))));
    suite.check(Bound::EXACT, "[1] to four axes", |d| d.out(d.normal([1]).expand(dims(&[2, 3, 5, 7]))));
    suite.check(Bound::EXACT, "[257]", |d| d.out(d.normal([257]).expand(dims(&[13, 257]))));
    suite.check(Bound::EXACT, "[7, 1]", |d| d.out(d.normal([7, 1]).expand(dims(&[7, 300]))));
    suite.check(Bound::EXACT, "[2, 1, 5, 1]", |d| d.out(d.normal([2, 1, 5, 1]).expand(dims(&[2, 4, 5, 3]))));
}
