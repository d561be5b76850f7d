//! The largest values in falling order: the first of several equal ones first, NaN last.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (width, k) in [(1, 1), (7, 1), (7, 7), (64, 5), (65, 65), (257, 40), (5003, 40), (32_001, 64), (300, 256)] {
        for rows in [1, 5] {
            suite.check(Bound::EXACT, format!("{k} of [{rows}, {width}]"), |d| both(d.normal([rows, width]), k, d));
        }
        suite.check(Bound::EXACT, format!("{k} of {width} equal values"), |d| {
            both(d.floats([1, width], vec![-2.0; width]), k, d);
        });
        suite.check(Bound::EXACT, format!("{k} of few different values of {width}"), |d| {
            let values: Vec<f32> = (0..3 * width).map(|i| ((i * 7919) % 5) as f32).collect();
            both(d.floats([3, width], values), k, d);
        });
        suite.check(Bound::EXACT, format!("{k} of rising values of {width}"), |d| {
            both(d.floats([1, width], (0..width).map(|i| i as f32).collect::<Vec<_>>()), k, d);
        });
    }
    let nan = f32::NAN;
    suite.check(Bound::EXACT, "NaN stays behind", |d| both(d.floats([1, 6], [nan, 1.0, 3.0, nan, 2.0, 3.0]), 4, d));
    suite.check(Bound::EXACT, "low values", |d| both(d.floats([1, 5], [-1e30, f32::MIN, -3.0, -1e30, -2.0]), 5, d));
    suite.check(Bound::EXACT, "one axis", |d| both(d.normal([65]), 3, d));
    suite.check(Bound::EXACT, "four axes", |d| both(d.normal([2, 3, 4, 65]), 3, d));
}

fn both(x: graph::Var<'_>, k: usize, d: &crate::draft::Draft) {
    let (values, indices) = x.top_k(k);
    d.out(values);
    d.out(indices);
}
