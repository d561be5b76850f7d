//! Sums of rows by their place: repeated ids, ids outside.

use graph::Op;

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (ids, rows, width) in [(1, 1, 1), (5, 7, 3), (64, 4, 65), (257, 100, 32), (1000, 3, 8)] {
        suite.check(Bound::SINGLE, format!("{ids} ids, {rows} rows of {width}"), |d| {
            let (places, values) = (d.below([ids], rows), d.normal([ids, width]));
            d.out(d.g.push(Op::ScatterAddRows { rows: rows.into() }, &[places, values]));
        });
    }
    suite.check(Bound::SINGLE, "two axes of ids", |d| {
        let (places, values) = (d.below([3, 5], 4), d.normal([3, 5, 6]));
        d.out(d.g.push(Op::ScatterAddRows { rows: 4.into() }, &[places, values]));
    });
    suite.check(Bound::SINGLE, "as many rows as a run has", |d| {
        let (places, values) = (d.below([9], 7), d.normal([9, 4]));
        let sums = d.g.push(Op::ScatterAddRows { rows: 'T'.into() }, &[places, values]);
        d.out(sums + d.rows([7, 4]));
    });
    suite.check(Bound::SINGLE, "ids outside", |d| {
        let (places, values) = (d.integers([5], [0, -1, 3, 2, i32::MAX]), d.normal([5, 4]));
        d.out(d.g.push(Op::ScatterAddRows { rows: 3.into() }, &[places, values]));
    });
}
