//! Which operations have a gradient.

use std::collections::BTreeSet;

use graph::{Builder, Checkpointing, DType, Op, Taps, Training};

use crate::{rules, suite};

/// Names of operations by their patterns. The `match` has no `_`: an operation that is not here does not compile.
macro_rules! operations {
    ($($name:ident: $pattern:pat,)*) => {
        const ALL: &[&str] = &[$(stringify!($name)),*];

        fn name_of(op: &Op) -> &'static str {
            match op {
                $($pattern => stringify!($name),)*
            }
        }
    };
}

operations! {
    sources: Op::Input { .. } | Op::Weight(_) | Op::Const(_),
    gather_rows: Op::GatherRows,
    linear: Op::Linear { .. },
    matmul: Op::MatMul(_),
    rms_norm: Op::RmsNorm { .. },
    layer_norm: Op::LayerNorm { .. },
    rope: Op::Rope(_),
    attention: Op::Attention(_),
    unary: Op::Unary(_),
    binary: Op::Binary(_),
    affine: Op::Affine { .. },
    gated: Op::Gated(_),
    softmax: Op::Softmax,
    reduce: Op::Reduce(_),
    reshape: Op::Reshape(_),
    permute: Op::Permute(_),
    slice: Op::Slice { .. },
    concat: Op::Concat { .. },
    expand: Op::Expand(_),
    sum_to: Op::SumTo(_),
    pad: Op::Pad { .. },
    unfold: Op::Unfold(_),
    fold: Op::Fold { .. },
    depthwise: Op::Depthwise { .. },
    scatter_add_rows: Op::ScatterAddRows { .. },
    dropout: Op::Dropout(_),
    softmax_cross_entropy: Op::SoftmaxCrossEntropy { .. },
    // These say why they have none.
    kv_append: Op::KvAppend(_),
    arg_max: Op::ArgMax,
    top_k: Op::TopK { .. },
    gradients: Op::UnaryGrad(_)
        | Op::GatedGrad(_)
        | Op::RmsNormGrad { .. }
        | Op::LayerNormGrad { .. }
        | Op::AttentionGrad { .. }
        | Op::SoftmaxCrossEntropyGrad { .. },
    update: Op::Update { .. },
}

/// Every operation occurs in a case of `rules`, but for those that have no gradient.
#[test]
fn every_gradient_is_checked() {
    rules::ALL.iter().for_each(|rule| rule());
    let seen: BTreeSet<&str> = suite::seen().iter().map(name_of).collect();
    let unseen: Vec<&str> = ALL.iter().copied().filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, ["kv_append", "arg_max", "top_k", "gradients", "update"]);
}

#[test]
fn what_has_no_gradient_says_why() {
    let refused = |op: Op, wanted: &str| {
        let g = Builder::for_training(Taps::none(), Training::default());
        let x = g.weights().at("x").weight([2, 5]);
        let others = if matches!(op, Op::UnaryGrad(_)) { vec![x, x] } else { vec![x] };
        let y = g.push(op, &others);
        let y = if y.dtype() == DType::F32 { y } else { x.gather_rows(y) };
        g.gradients(y.sum_to([1, 1]).reshape([1]), &[x], Checkpointing::None);
        let told = g.finish().unwrap_err().to_string();
        assert!(told.contains(wanted), "{told}");
    };
    refused(Op::TopK { k: 2 }, "gather the chosen values");
    refused(Op::UnaryGrad(graph::UnaryOp::Exp), "not differentiated again");
}
