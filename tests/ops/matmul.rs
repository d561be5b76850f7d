//! Products of activations.

use graph::MatMul;
use graph::Side::{Plain, Transposed};

use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for [m, k, n] in [[1, 1, 1], [1, 7, 64], [7, 64, 1], [65, 5, 33], [64, 64, 64], [3, 257, 66], [257, 3, 2]] {
        suite.check(Bound::SINGLE, format!("[{m}, {k}] by [{k}, {n}]"), |d| {
            d.out(d.normal([m, k]).matmul(d.normal([k, n])));
        });
        suite.check(Bound::SINGLE, format!("[3, {m}, {k}] by [3, {k}, {n}]"), |d| {
            d.out(d.normal([3, m, k]).matmul(d.normal([3, k, n])));
        });
    }
    for (a, b) in [(Plain, Transposed), (Transposed, Plain), (Transposed, Transposed)] {
        for (batch, [m, k, n]) in [(1, [1, 7, 64]), (3, [65, 5, 33]), (1, [64, 64, 64]), (2, [3, 257, 66]), (1, [300, 70, 9])] {
            suite.check(Bound::SINGLE, format!("{a:?} by {b:?}, {batch} times [{m}, {k}] by [{k}, {n}]"), |d| {
                let left = d.normal(if a == Plain { [batch, m, k] } else { [batch, k, m] });
                let right = d.normal(if b == Plain { [batch, k, n] } else { [batch, n, k] });
                d.out(left.matmul_as(MatMul { a, b }, right));
            });
        }
    }
    // What a weight's gradient sums over is long and may be cut into parts.
    for [m, k, n] in [[40, 1024, 33], [7, 997, 5], [64, 1536, 70], [3, 4096, 1]] {
        suite.check(Bound::SINGLE, format!("[{k}, {m}] transposed by [{k}, {n}]"), |d| {
            d.out(d.normal([k, m]).matmul_as(MatMul { a: Transposed, b: Plain }, d.normal([k, n])));
        });
    }
    suite.check(Bound::SINGLE, "a weight on the right", |d| {
        d.out(d.normal([5, 33]).matmul(d.at("w").weight([33, 20])));
        d.out(d.normal([5, 20]).matmul_as(MatMul { a: Plain, b: Transposed }, d.at("w").weight([33, 20])));
    });
    suite.check(Bound::SINGLE, "two leading axes", |d| {
        d.out(d.normal([2, 5, 7, 16]).matmul(d.normal([2, 5, 16, 9])));
    });
    suite.check(Bound::SINGLE, "after a permutation", |d| {
        d.out(d.normal([5, 7, 16]).matmul(d.normal([5, 9, 16]).permute([0, 2, 1])));
    });
    suite.check(Bound::SINGLE, "a square by itself", |d| {
        let x = d.normal([33, 33]);
        d.out(x.matmul(x));
    });
}
