//! Sums over the axes that broadcasting repeats.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    let dims = |list: &[usize]| list.iter().map(|n| graph::Dim::from(*n)).collect::<Vec<_>>();
    suite.check(Bound::SINGLE, "to one number", |d| d.out(d.normal([3, 65]).sum_to([1])));
    suite.check(Bound::SINGLE, "many to one number", |d| d.out(d.uniform([400, 257], 0.0, 1.0).sum_to([1])));
    for rows in [1, 2, 17, 64, 65, 1000] {
        suite.check(Bound::SINGLE, format!("{rows} rows"), |d| d.out(d.uniform([rows, 33], 0.0, 1.0).sum_to([33])));
    }
    suite.check(Bound::SINGLE, "many columns", |d| d.out(d.normal([7, 1025]).sum_to([1025])));
    suite.check(Bound::SINGLE, "one column", |d| d.out(d.uniform([300, 1], 0.0, 1.0).sum_to([1])));
    suite.check(Bound::SINGLE, "the last axis", |d| d.out(d.uniform([7, 130], 0.0, 1.0).sum_to(dims(&[7, 1]))));
    suite.check(Bound::SINGLE, "inner axes", |d| {
        d.out(d.uniform([2, 4, 5, 3], 0.0, 1.0).sum_to(dims(&[2, 1, 5, 1])));
    });
    suite.check(Bound::SINGLE, "outer and inner axes", |d| {
        d.out(d.uniform([2, 4, 5, 3], 0.0, 1.0).sum_to(dims(&[4, 1, 3])));
    });
}
