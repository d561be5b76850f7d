//! The closed set of operations.
//!
//! Axis letters: B batch, T tokens of this call, P tokens cached, S keys (P + T with a cache), C width,
//! H query heads, G key-value heads, D per-head width, F feed-forward width, V vocabulary.

use std::sync::Arc;

use crate::graph::{StateId, WeightId};
use crate::{
    Act, Attention, Bias, BinaryOp, Dim, Dropout, Gate, MatMul, Reduce, Rope, Shape, Tensor, UnaryOp, Update, Window,
};

/// An operation. Inputs and outputs are described on each variant as `inputs → outputs`.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A value given at each run: `→ value`.
    Input {
        /// Its name in the run's inputs.
        name: String,
    },
    /// A named weight: `→ [..]`.
    Weight(WeightId),
    /// A value fixed when the graph is built: `→ [..]`.
    Const(Arc<Tensor>),
    /// Rows of a table: `table [V, C], ids [..] i32 → [.., C]`. An id outside the table gives a row of zeros.
    GatherRows,
    /// `act(x Wᵀ + b)`: `x [.., K], weight [N, K], bias [N]? → [.., N]`.
    Linear {
        /// There is a bias input.
        bias: Bias,
        /// Applied to the result.
        act: Option<Act>,
    },
    /// Batched matrix product: `a [.., M, K], b [.., K, N] → [.., M, N]`, or with a side transposed; leading dims are
    /// equal.
    MatMul(MatMul),
    /// `x / sqrt(mean(x²) + eps) * weight`: `x [.., C], weight [C] → [.., C]` (Zhang and Sennrich 2019).
    RmsNorm {
        /// Added under the root.
        eps: f32,
    },
    /// `(x - mean) / sqrt(var + eps) * weight + bias`: `x [.., C], weight [C], bias [C]? → [.., C]`.
    LayerNorm {
        /// Added under the root.
        eps: f32,
        /// There is a bias input.
        bias: Bias,
    },
    /// Turns pairs by `positions * inv_freq`: `x [B, T, H, D], positions [B, T] i32, inv_freq [R/2] → [B, T, H, D]`;
    /// elements from R on pass unchanged.
    Rope(Rope),
    /// Writes keys and values behind those cached, per row: `k [B, T, G, D], v [B, T, G, D], past [B] i32 →
    /// keys [B, P+T, G, D], values [B, P+T, G, D]` as views of the state.
    KvAppend(StateId),
    /// `q [B, T, H, D], k [B, S, G, D], v [B, S, G, D], past?, bias? → [B, T, H, D], probs?, lse?`; k and v may have
    /// batch 1.
    Attention(Attention),
    /// Elementwise: `x → x`.
    Unary(UnaryOp),
    /// Elementwise with broadcasting: `a, b → broadcast(a, b)`.
    Binary(BinaryOp),
    /// `x * factor + offset`: `x → x`.
    Affine {
        /// Multiplies.
        factor: f32,
        /// Is added after.
        offset: f32,
    },
    /// `act(gate) * up`: `gate [.., F], up [.., F] → [.., F]`.
    Gated(Gate),
    /// Over the last axis: `x → x`.
    Softmax,
    /// Over the last axis: `x [.., C] → [.., 1]`.
    Reduce(Reduce),
    /// The index of the largest value of the last axis, the lowest on ties: `x [.., V] → [..] i32`.
    ArgMax,
    /// The `k` largest of the last axis, in falling order, the lowest index on ties:
    /// `x [.., V] → values [.., k], indices [.., k] i32`.
    TopK {
        /// How many.
        k: usize,
    },
    /// The same elements in another shape: `x → x`.
    Reshape(Shape),
    /// Axis `i` of the result is axis `axes[i]` of the input: `x → x`.
    Permute(Vec<usize>),
    /// `len` elements of one axis from `start`: `x → x`.
    Slice {
        /// Which axis.
        axis: usize,
        /// The first element.
        start: Dim,
        /// How many.
        len: Dim,
    },
    /// Joins along one axis: `a, b, … → joined`.
    Concat {
        /// Which axis.
        axis: usize,
    },
    /// Repeats along axes of size 1 and new leading axes: `x → [shape]`.
    Expand(Shape),
    /// The sum over the axes that [`Op::Expand`] would repeat, its reverse: `x → [shape]`.
    SumTo(Shape),
    /// Zeros around `x` along one axis, the reverse of [`Op::Slice`]: `x → x`.
    Pad {
        /// Which axis.
        axis: usize,
        /// Where the first element of `x` comes to lie.
        start: Dim,
        /// The new size of the axis.
        size: Dim,
    },
    /// What a window sees at each place: `x [B, H, W, C] → [B, H', W', kh·kw·C]`, element after element of the window with
    /// all its channels; zeros beyond the picture.
    Unfold(Window),
    /// The sum of what windows hold, the reverse of [`Op::Unfold`]: `x [B, H', W', kh·kw·C] → [B, H, W, C]`.
    Fold {
        /// How the window slides.
        window: Window,
        /// H and W.
        size: [usize; 2],
    },
    /// `act(sum over the window of x weight + b)`, each channel by itself: `x [B, H, W, C], weight [kh·kw, C], bias [C]? →
    /// [B, H', W', C]`.
    Depthwise {
        /// How the window slides.
        window: Window,
        /// There is a bias input.
        bias: Bias,
        /// Applied to the result.
        act: Option<Act>,
    },
    /// The sum of rows by their place, the reverse of [`Op::GatherRows`]: `ids [..] i32, values [.., C] → [rows, C]`. An id
    /// outside is left out. Rows with one id are added in their order.
    ScatterAddRows {
        /// Rows of the result.
        rows: Dim,
    },
    /// `x, rng [2] i32 = (seed, step) → x`.
    Dropout(Dropout),
    /// `-log softmax(logits)[target]`, with label smoothing s `(1 - s)` times that and `s` times the mean over all
    /// classes (Szegedy et al. 2016): `logits [.., V], targets [..] i32 → loss [..], lse [..]`, the second being the
    /// logarithm of the sum of exponentials. A target outside 0..V gives a loss of 0.
    SoftmaxCrossEntropy {
        /// Label smoothing, 0 for none.
        smoothing: f32,
    },
    /// `dy * f'(x)`: `x, dy → dx`.
    UnaryGrad(UnaryOp),
    /// `gate [.., F], up [.., F], dy [.., F] → dgate, dup`.
    GatedGrad(Gate),
    /// `x [.., C], weight [C], dy [.., C] → dx [.., C], dweight [C]`.
    RmsNormGrad {
        /// Added under the root.
        eps: f32,
    },
    /// `x [.., C], weight [C], dy [.., C] → dx [.., C], dweight [C], dbias [C]`.
    LayerNormGrad {
        /// Added under the root.
        eps: f32,
    },
    /// `q, k, v, out [B, T, H, D], lse [B, H, T], dout [B, T, H, D], past?, bias? → dq, dk, dv, dscores?`, the last being
    /// [B, H, T, S], the gradient of the scores after cap and bias. The score matrix is not kept but for that.
    AttentionGrad {
        /// The attention.
        spec: Attention,
        /// Whether `dscores` is wanted, because the bias has a gradient.
        scores: bool,
    },
    /// `logits [.., V], targets [..] i32, lse [..], dloss [..] → dlogits [.., V]`.
    SoftmaxCrossEntropyGrad {
        /// Label smoothing, 0 for none.
        smoothing: f32,
    },
    /// Changes weights in place, at its place among the nodes: a node before it reads the old values, one behind it the
    /// new ones. It yields nothing. See [`Update`] for the inputs.
    Update {
        /// How.
        rule: Update,
        /// Which, as the rule says.
        weights: Vec<WeightId>,
    },
}

impl Op {
    /// The operation's name in dumps, errors, files and tests.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Weight(_) => "weight",
            Op::Const(_) => "const",
            Op::GatherRows => "gather_rows",
            Op::Linear { .. } => "linear",
            Op::MatMul(_) => "matmul",
            Op::RmsNorm { .. } => "rms_norm",
            Op::LayerNorm { .. } => "layer_norm",
            Op::Rope(_) => "rope",
            Op::KvAppend(_) => "kv_append",
            Op::Attention(_) => "attention",
            Op::Unary(_) => "unary",
            Op::Binary(_) => "binary",
            Op::Affine { .. } => "affine",
            Op::Gated(_) => "gated",
            Op::Softmax => "softmax",
            Op::Reduce(_) => "reduce",
            Op::ArgMax => "arg_max",
            Op::TopK { .. } => "top_k",
            Op::Reshape(_) => "reshape",
            Op::Permute(_) => "permute",
            Op::Slice { .. } => "slice",
            Op::Concat { .. } => "concat",
            Op::Expand(_) => "expand",
            Op::SumTo(_) => "sum_to",
            Op::Pad { .. } => "pad",
            Op::Unfold(_) => "unfold",
            Op::Fold { .. } => "fold",
            Op::Depthwise { .. } => "depthwise",
            Op::ScatterAddRows { .. } => "scatter_add_rows",
            Op::Dropout(_) => "dropout",
            Op::SoftmaxCrossEntropy { .. } => "softmax_cross_entropy",
            Op::UnaryGrad(_) => "unary_grad",
            Op::GatedGrad(_) => "gated_grad",
            Op::RmsNormGrad { .. } => "rms_norm_grad",
            Op::LayerNormGrad { .. } => "layer_norm_grad",
            Op::AttentionGrad { .. } => "attention_grad",
            Op::SoftmaxCrossEntropyGrad { .. } => "softmax_cross_entropy_grad",
            Op::Update { .. } => "update",
        }
    }
}
