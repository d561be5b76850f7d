//! The closed set of operations.
//!
//! Axis letters: B batch, T tokens of this call, P tokens cached, S keys (P + T with a cache), C width,
//! H query heads, G key-value heads, D per-head width, F feed-forward width, V vocabulary.

use std::sync::Arc;

use crate::graph::{StateId, WeightId};
use crate::{Shape, Tensor};

/// Element types of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floats.
    F32,
    /// Indices, positions and lengths.
    I32,
}

/// Whether a projection or norm adds a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Bias {
    /// No bias.
    #[default]
    None,
    /// A bias named `bias` beside `weight`.
    Add,
}

/// Activation functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// `max(x, 0)`
    Relu,
    /// `x / (1 + exp(-x))`
    Silu,
    /// `x * Phi(x)` by erf.
    Gelu,
    /// `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`
    GeluTanh,
    /// `x / (1 + exp(-1.702 x))`
    QuickGelu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
}

/// Elementwise functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// An activation.
    Act(Act),
    /// `-x`
    Neg,
    /// `exp(x)`
    Exp,
    /// `ln(x)`
    Log,
    /// `x * x`
    Square,
    /// `sqrt(x)`
    Sqrt,
    /// `1 / x`
    Recip,
    /// `cos(x)`
    Cos,
    /// `sin(x)`
    Sin,
}

/// Elementwise functions of two values, with broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `max(a, b)`
    Max,
    /// `min(a, b)`
    Min,
}

/// The gated feed-forward units: `act(gate) * up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    /// The activation of the gate: SiLU in SwiGLU, GELU in GeGLU.
    pub act: Act,
}

/// Reductions over the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// The sum.
    Sum,
    /// The mean.
    Mean,
    /// The largest value.
    Max,
}

/// Which pairs rotary embedding turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopeLayout {
    /// Element `i` with `i + R/2` (GPT-NeoX, Hugging Face Llama).
    Half,
    /// Element `2i` with `2i + 1` (the original paper, GPT-J).
    Interleaved,
}

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// Which elements form a pair.
    pub layout: RopeLayout,
    /// Factor on cos and sin (YaRN's and LongRoPE's attention factor); 1 otherwise.
    pub scale: f32,
}

/// One attention for the whole family.
///
/// `probs[b,h,t,s] = softmax_s(cap(scale * q·k) + bias)` over the visible keys; a query that sees no key gives zeros.
/// Query `t` of row `b` stands at `past[b] + t`. Query heads share key-value heads in groups of `H / G`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Factor on the dot product, usually `1 / sqrt(D)`.
    pub scale: f32,
    /// Only keys `s <= past[b] + t` are visible.
    pub causal: bool,
    /// Only keys with `past[b] + t - s < window` are visible (Mistral). Together with `causal` only.
    pub window: Option<usize>,
    /// `cap * tanh(x / cap)` on the scaled scores (Gemma 2).
    pub soft_cap: Option<f32>,
    /// There is an input `past` [B] i32.
    pub past: bool,
    /// There is an input `bias` f32, broadcast over [B, H, T, S]. Values at or below −1e30 hide the key.
    pub bias: bool,
    /// There is a second output, the probabilities [B, H, T, S].
    pub probs: bool,
}

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
    /// Batched matrix product of activations: `a [.., M, K], b [.., K, N] → [.., M, N]`; leading dims are equal.
    MatMul,
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
    /// `q [B, T, H, D], k [B, S, G, D], v [B, S, G, D], past?, bias? → [B, T, H, D], probs?`; k and v may have batch 1.
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
        start: usize,
        /// How many.
        len: usize,
    },
    /// Joins along one axis: `a, b, … → joined`.
    Concat {
        /// Which axis.
        axis: usize,
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
            Op::MatMul => "matmul",
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
        }
    }
}
