//! Inputs, weights and constants: as results, and read by an operation.

use format::QuantType;
use graph::{Bias, Tensor};

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for n in [1, 7, 64, 257] {
        suite.check(Bound::EXACT, format!("an input of {n} as a result"), |d| d.out(d.normal([n])));
        suite.check(Bound::EXACT, format!("integers of {n} as a result"), |d| d.out(d.below([n], 1 << 30)));
        suite.check(Bound::EXACT, format!("a constant of {n} as a result"), |d| {
            d.out(d.g.constant(Tensor::i32([n], (0..n as i32).collect()).unwrap()));
        });
    }
    for ty in [QuantType::F32, QuantType::F16, QuantType::BF16] {
        suite.check(Bound::EXACT, format!("a vector of {ty} as a result"), |d| {
            d.stored(ty, ty);
            d.out(d.at("w").weight([65]));
        });
        suite.check(Bound::EXACT, format!("a matrix of {ty} as a result"), |d| {
            d.stored(ty, ty);
            d.out(d.at("w").weight([7, 65]));
        });
    }
    suite.check(Bound::SINGLE, "one value as two results", |d| {
        let y = d.normal([65]).silu();
        d.out(y);
        d.out(y);
        d.out(y.scale(2.0));
    });
    suite.check(Bound::SINGLE, "a constant is added", |d| {
        d.out(d.normal([3, 7]) + d.g.constant(Tensor::f32([7], vec![0.5; 7]).unwrap()));
    });
    suite.check(Bound::SINGLE, "a scalar constant", |d| {
        d.out(d.normal([3, 7]) * d.g.constant(Tensor::f32([], vec![-3.0]).unwrap()));
    });
    suite.check(Bound::SINGLE, "one weight read as table, matrix and values", |d| {
        let table = d.at("w").weight([65, 8]);
        let rows = table.gather_rows(d.below([5], 65));
        d.out(rows.linear_with(table));
        d.out(table.scale(0.5));
    });
    suite.check(Bound::SINGLE, "a bias read twice", |d| {
        let y = d.normal([3, 32]).linear(&d.at("w"), 7, Bias::Add);
        d.out(y + d.at("w").bias(7));
    });
}
