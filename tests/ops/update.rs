//! Changes of weights in place.

use graph::{Update, Var};

use crate::draft::Draft;
use crate::suite::{Bound, Suite};

const ADAMW: Update = Update::AdamW { beta1: 0.9, beta2: 0.95, eps: 1e-8 };

pub fn cases(suite: &mut Suite) {
    for shape in [vec![1], vec![67], vec![3, 65], vec![257, 8], vec![2, 3, 5]] {
        let n = shape.iter().product();
        let check = |suite: &mut Suite, rule, names: &[&str], hyper: &[f32], scale: Option<f32>| {
            suite.check(Bound::SINGLE, format!("{rule:?} {shape:?} {hyper:?} {scale:?}"), |d| {
                write(d, rule, &shape, n, names, hyper, scale);
            });
        };
        check(suite, Update::Assign, &["w"], &[], None);
        check(suite, Update::Add, &["w"], &[], None);
        check(suite, Update::Ema, &["w"], &[0.9], None);
        for scale in [1.0, 0.25, f32::NAN, f32::INFINITY] {
            check(suite, Update::Sgd { momentum: 0.0 }, &["w"], &[0.1, 0.01], Some(scale));
            check(suite, Update::Sgd { momentum: 0.9 }, &["w", "v"], &[0.1, 0.0], Some(scale));
            check(suite, ADAMW, &["w", "m", "square"], &[1e-2, 0.1, 0.1, 0.05], Some(scale));
        }
    }
}

/// Reads the weights before and behind the change.
fn write(d: &Draft, rule: Update, shape: &[usize], n: usize, names: &[&str], hyper: &[f32], scale: Option<f32>) {
    let weights: Vec<Var<'_>> = names.iter().map(|name| d.at(name).weight(shape.to_vec())).collect();
    // A mean square is never negative.
    if let Some(square) = weights.get(2) {
        d.g.update(Update::Assign, &[*square], &[*square * *square]);
    }
    weights.iter().for_each(|w| d.out(w.scale(2.0)));
    let value = d.normal([n]).reshape(shape.iter().map(|n| graph::Dim::from(*n)).collect::<Vec<_>>());
    let mut inputs = vec![value];
    if !hyper.is_empty() {
        inputs.push(d.given(graph::Tensor::f32([hyper.len()], hyper.to_vec()).unwrap()));
    }
    inputs.extend(scale.map(|scale| d.floats([1], [scale])));
    d.g.update(rule, &weights, &inputs);
    weights.iter().for_each(|w| d.out(w.scale(1.0)));
}
