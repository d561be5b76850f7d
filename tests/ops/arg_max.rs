//! The place of the largest value: the first of several, never a NaN.

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for width in [1, 7, 64, 65, 257, 5003, 32_001, 151_936] {
        for rows in [1, 5] {
            suite.check(Bound::EXACT, format!("[{rows}, {width}]"), |d| d.out(d.normal([rows, width]).arg_max()));
        }
        suite.check(Bound::EXACT, format!("{width} equal values"), |d| {
            d.out(d.floats([1, width], vec![-2.0; width]).arg_max());
        });
        suite.check(Bound::EXACT, format!("few different values of {width}"), |d| {
            let values: Vec<f32> = (0..3 * width).map(|i| ((i * 7919) % 5) as f32).collect();
            d.out(d.floats([3, width], values).arg_max());
        });
        suite.check(Bound::EXACT, format!("the last of {width}"), |d| {
            d.out(d.floats([1, width], (0..width).map(|i| i as f32).collect::<Vec<_>>()).arg_max());
        });
    }
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for (name, values) in [
        ("NaN first", [nan, 1.0, 3.0, 2.0]),
        ("NaN last", [1.0, 3.0, 2.0, nan]),
        ("NaN between", [1.0, nan, 3.0, nan]),
        ("NaN only", [nan; 4]),
        ("NaN and low values", [nan, -1e30, f32::MIN, nan]),
        ("infinite", [1.0, inf, 2.0, inf]),
        ("low", [-inf, f32::MIN, -inf, -inf]),
        ("two zeros", [-1.0, -0.0, 0.0, -1.0]),
    ] {
        suite.check(Bound::EXACT, name, |d| d.out(d.floats([1, 4], values).arg_max()));
    }
    suite.check(Bound::EXACT, "one axis", |d| d.out(d.normal([65]).arg_max()));
    suite.check(Bound::EXACT, "four axes", |d| d.out(d.normal([2, 3, 4, 65]).arg_max()));
}
