//! Projections: every stored type, bias, activation and odd sizes, against the decoded weights.

use format::QuantType;
use graph::{Act, Bias};

use crate::suite::{Bound, Step, Suite};
use crate::unary::ACTS;

/// Plain types are multiplied in single precision everywhere.
///
/// On the processor, blocks are multiplied by activations in 8 bits with a scale for 32 values. Half a step of 1/127 of
/// the block's largest value, which is about 2.5 deviations, gives an error of 3e-5 of the activations' power, and as
/// much of the result's. Matrices below 65,536 values are kept in single precision.
///
/// The GPU computes in single precision, but holds some types as Q8_0, with the same error on the weights.
fn bound(ty: QuantType) -> Bound {
    match ty {
        QuantType::F32 | QuantType::F16 | QuantType::BF16 => Bound::SINGLE,
        QuantType::Q8_0 | QuantType::Q4_0 | QuantType::Q4_K | QuantType::Q6_K => Bound { cpu: 1e-4, gpu: 1e-10 },
        QuantType::Q4_1
        | QuantType::Q5_0
        | QuantType::Q5_1
        | QuantType::Q2_K
        | QuantType::Q3_K
        | QuantType::Q5_K => Bound { cpu: 2e-4, gpu: 1e-4 },
    }
}

pub fn cases(suite: &mut Suite) {
    for ty in QuantType::all() {
        for blocks in [1, 3, 8] {
            for (rows, n) in [(33, 1), (1, 257), (7, 65), (2, 7), (65, 33)] {
                project(suite, ty, [rows, blocks * ty.block_len(), n], (Bias::None, None));
            }
        }
        // The processor keeps smaller matrices in single precision.
        for rows in [1, 3, 66] {
            project(suite, ty, [rows, 768, 257], (Bias::Add, None));
        }
        for bias in [Bias::None, Bias::Add] {
            for rows in [1, 5] {
                project(suite, ty, [rows, 256, 31], (bias, Some(Act::Silu)));
            }
        }
    }
    for ty in [QuantType::F32, QuantType::F16, QuantType::BF16] {
        project(suite, ty, [1, 1, 1], (Bias::None, None));
        for k in [2, 5, 63, 65, 257] {
            for rows in [1, 4, 66] {
                project(suite, ty, [rows, k, 17], (Bias::Add, None));
            }
        }
    }
    for act in ACTS {
        for rows in [1, 7] {
            project(suite, QuantType::F32, [rows, 48, 65], (Bias::Add, Some(act)));
        }
    }
    for ty in [QuantType::F32, QuantType::Q8_0, QuantType::Q4_K] {
        project(suite, ty, [130, 512, 258], (Bias::None, None));
        project(suite, ty, [1, 2048, 1000], (Bias::None, None));
    }
    special(suite);
}

fn project(suite: &mut Suite, ty: QuantType, [rows, k, n]: [usize; 3], (bias, act): (Bias, Option<Act>)) {
    let case = format!("{ty} [{rows}, {k}] by [{n}, {k}] {bias:?} {act:?}");
    suite.check(bound(ty), case, |d| {
        d.stored(ty, if ty.block_len() == 1 { ty } else { QuantType::F32 });
        let x = d.normal([rows, k]);
        d.out(match act {
            Some(act) => x.linear_act(&d.at("w"), n, bias, act),
            None => x.linear(&d.at("w"), n, bias),
        });
    });
}

fn special(suite: &mut Suite) {
    for ty in [QuantType::F32, QuantType::Q8_0, QuantType::Q4_0, QuantType::Q4_K, QuantType::Q6_K] {
        suite.check(Bound::EXACT, format!("{ty}, zeros"), |d| {
            d.stored(ty, QuantType::F32);
            d.out(d.floats([2, 256], [0.0; 512]).linear(&d.at("w"), 7, Bias::None));
        });
        suite.check(bound(ty), format!("{ty}, one large value"), |d| {
            d.stored(ty, QuantType::F32);
            let mut values = [0.0; 256];
            values[77] = 1e4;
            d.out(d.floats([1, 256], values).linear(&d.at("w"), 65, Bias::None));
        });
        suite.check(bound(ty), format!("{ty}, tiny values"), |d| {
            d.stored(ty, QuantType::F32);
            d.out(d.normal([3, 256]).scale(1e-20).linear(&d.at("w"), 65, Bias::None));
        });
        suite.check(bound(ty), format!("{ty}, one vector without rows"), |d| {
            d.stored(ty, QuantType::F32);
            d.out(d.normal([256]).linear(&d.at("w"), 65, Bias::Add));
        });
        suite.check(bound(ty), format!("{ty}, several on one input"), |d| {
            d.stored(ty, QuantType::F32);
            let x = d.normal([2, 3, 256]);
            for (name, n) in [("q", 64), ("k", 32), ("v", 33)] {
                d.out(x.linear(&d.at(name), n, Bias::None));
            }
        });
        suite.replay(bound(ty), format!("{ty}, sizes change"), (1, 1), &SIZES, |d| {
            d.stored(ty, QuantType::F32);
            let x = d.g.input("x", graph::DType::F32, ['B'.into(), 'T'.into(), graph::Dim::from(256)]);
            d.out(x.linear(&d.at("w"), 65, Bias::Add));
        });
    }
}

/// Up and down, over the borders of powers of two.
const SIZES: [Step; 9] = [
    Step(&[0], 5),
    Step(&[0], 1),
    Step(&[0], 8),
    Step(&[0], 9),
    Step(&[0; 3], 1),
    Step(&[0], 1),
    Step(&[0], 7),
    Step(&[0; 2], 65),
    Step(&[0], 2),
];
