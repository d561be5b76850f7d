//! Every operation on every executor against candle in f64, natively and in a page.
//!
//! The bound is on the normalised mean squared error, [`graph::nmse`]; sizes are 1, a prime, a power of two and one past
//! a workgroup. Results on the processor are the same to the bit for 1, 2 and 3 threads. A failure names the case and
//! its seed; the values of a case follow from its name.

#![cfg(any(test, target_arch = "wasm32"))]

mod draft;
mod expected;
#[cfg(target_arch = "wasm32")]
mod page;
mod suite;

use graph::Op;

/// One module a suite, and the operations that each of its cases must contain one of. The `match` has no `_`: an
/// operation without a suite does not compile.
macro_rules! suites {
    ($($name:ident: $pattern:pat,)*) => {
        $(mod $name;)*

        fn suite_of(op: &Op) -> &'static str {
            match op {
                $($pattern => stringify!($name),)*
            }
        }

        /// All suites: their names and what draws their cases.
        #[cfg(target_arch = "wasm32")]
        pub const SUITES: &[(&str, fn(&mut suite::Suite))] = &[$((stringify!($name), $name::cases),)*];

        #[cfg(test)]
        mod native {
            use super::*;

            $(
                #[test]
                fn $name() {
                    suite::pass(stringify!($name), $name::cases);
                }
            )*
        }
    };
}

suites! {
    sources: Op::Input { .. } | Op::Weight(_) | Op::Const(_),
    gather_rows: Op::GatherRows,
    linear: Op::Linear { .. },
    matmul: Op::MatMul(_),
    rms_norm: Op::RmsNorm { .. },
    layer_norm: Op::LayerNorm { .. },
    rope: Op::Rope(_),
    kv_append: Op::KvAppend(_),
    attention: Op::Attention(_),
    unary: Op::Unary(_),
    binary: Op::Binary(_),
    affine: Op::Affine { .. },
    gated: Op::Gated(_),
    softmax: Op::Softmax,
    reduce: Op::Reduce(_),
    arg_max: Op::ArgMax,
    top_k: Op::TopK { .. },
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
    softmax_cross_entropy: Op::SoftmaxCrossEntropy { .. } | Op::SoftmaxCrossEntropyGrad { .. },
    unary_grad: Op::UnaryGrad(_),
    gated_grad: Op::GatedGrad(_),
    norm_grad: Op::RmsNormGrad { .. } | Op::LayerNormGrad { .. },
    attention_grad: Op::AttentionGrad { .. },
    update: Op::Update { .. },
}
