//! The loss of a classification and its gradient.

use graph::{Op, Var};

use crate::draft::Draft;
use crate::suite::{Bound, Suite};

pub fn cases(suite: &mut Suite) {
    for (rows, classes) in [(1, 1), (1, 7), (5, 64), (3, 257), (67, 33), (2, 4097)] {
        for smoothing in [0.0, 0.1] {
            suite.check(Bound::SINGLE, format!("{rows} rows of {classes}, smoothing {smoothing}"), |d| {
                write(d, d.normal([rows, classes]), d.below([rows], classes), smoothing);
            });
        }
    }
    suite.check(Bound::SINGLE, "targets outside", |d| {
        write(d, d.normal([4, 5]), d.integers([4], [-100, 4, 5, -1]), 0.1);
    });
    suite.check(Bound::SINGLE, "large logits", |d| {
        write(d, d.normal([4, 65]).scale(300.0), d.below([4], 65), 0.0);
    });
    suite.check(Bound::SINGLE, "two axes of rows", |d| {
        let (logits, targets) = (d.normal([2, 3, 9]), d.below([2, 3], 9));
        let loss = d.g.push(Op::SoftmaxCrossEntropy { smoothing: 0.0 }, &[logits, targets]);
        d.out(loss);
        d.out(loss.output(1));
    });
}

fn write<'g>(d: &'g Draft, logits: Var<'g>, targets: Var<'g>, smoothing: f32) {
    let loss = d.g.push(Op::SoftmaxCrossEntropy { smoothing }, &[logits, targets]);
    d.out(loss);
    d.out(loss.output(1));
    let rows = logits.shape()[0].known().unwrap();
    let dloss = d.normal([rows]);
    d.out(d.g.push(Op::SoftmaxCrossEntropyGrad { smoothing }, &[logits, targets, loss.output(1), dloss]));
}
