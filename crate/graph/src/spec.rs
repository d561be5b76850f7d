//! How operations are done: activations, rotary embedding, attention, updates of weights.

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
    /// 1 where `a >= b`, else 0
    Ge,
}

/// How a matrix product reads one of its matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// As it is.
    #[default]
    Plain,
    /// With its last two axes exchanged.
    Transposed,
}

/// How a matrix product reads its matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MatMul {
    /// The left one.
    pub a: Side,
    /// The right one.
    pub b: Side,
}

/// Dropout (Srivastava et al. 2014) whose mask follows from numbers alone, so that a recomputed one is the same.
///
/// Element `i` is kept if `random_u32(seed, step, salt, i) >= rate * 2^32` (see [`crate::random_u32`]), and then divided
/// by `1 - rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share that is dropped, from 0 to below 1.
    pub rate: f32,
    /// What tells this node's mask from another's; its gradient has the same.
    pub salt: u32,
}

/// How weights change in place. `value` is the input, or a gradient; `scale` [1] multiplies a gradient, and where it is
/// not finite nothing changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Update {
    /// `w = value`: `value → `.
    Assign,
    /// `w += value`: `value → `.
    Add,
    /// `w = decay w + (1 - decay) value`: `value, hyper [1] = (decay) → `.
    Ema,
    /// Gradient descent with momentum: `v = momentum v + (scale gradient + decay w)`, `w -= rate v`, where `v` is the
    /// second weight if momentum is not 0: `gradient, hyper [2] = (rate, decay), scale → `.
    Sgd {
        /// Keeps this much of the last step.
        momentum: f32,
    },
    /// AdamW with decoupled decay (Loshchilov and Hutter 2019): with `g = scale gradient`, `m = beta1 m + (1 - beta1) g`,
    /// `v = beta2 v + (1 - beta2) g²`, `w -= rate ((m / correct1) / (sqrt(v / correct2) + eps) + decay w)`; the weights
    /// are w, m, v: `gradient, hyper [4] = (rate, decay, correct1, correct2), scale → `, correct being `1 - beta^step`.
    AdamW {
        /// Memory of the mean.
        beta1: f32,
        /// Memory of the mean square.
        beta2: f32,
        /// Added to the root.
        eps: f32,
    },
}

/// The gated feed-forward units: `act(gate) * up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    /// The activation of the gate: SiLU in SwiGLU, GELU in GeGLU.
    pub act: Act,
}

/// How a window slides over pictures [H, W]: each pair is of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its size.
    pub kernel: [usize; 2],
    /// From one place to the next.
    pub stride: [usize; 2],
    /// Zeros before the picture and as many behind it.
    pub padding: [usize; 2],
    /// From one element of the window to the next.
    pub dilation: [usize; 2],
}

impl Window {
    /// A square window that leaves nothing out.
    pub const fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], dilation: [1; 2] }
    }

    /// Elements of the window.
    pub const fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// At how many places the window lies on pictures of `size`, rows and columns; nothing if it is larger than they.
    ///
    /// ```
    /// use dynasty_graph::Window;
    /// assert_eq!(Window::square(3, 2, 1).places([7, 8]), Some([4, 4]));
    /// assert_eq!(Window::square(3, 1, 0).places([2, 8]), None);
    /// ```
    pub fn places(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let along = |i: usize| {
            let span = self.dilation[i].checked_mul(self.kernel[i].checked_sub(1)?)? + 1;
            let room = size[i].checked_add(self.padding[i].checked_mul(2)?)?.checked_sub(span)?;
            Some(room.checked_div(self.stride[i])? + 1)
        };
        Some([along(0)?, along(1)?])
    }
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
    /// The input `bias` is not broadcast but two tables side by side, [B, T, H, R + C], for keys that lie in R rows of so
    /// many columns C: `table[b, t, h, s / C] + table[b, t, h, R + s % C]` is added (the decomposed relative positions
    /// of Li et al. 2021, arXiv:2112.01526).
    pub axial: Option<usize>,
    /// There is another output, the probabilities [B, H, T, S].
    pub probs: bool,
    /// There is a last output, the logarithm of each query's sum of exponentials [B, H, T], from which
    /// [`Op::AttentionGrad`] makes the probabilities again. A query that sees no key has −1e30 or less there.
    pub lse: bool,
}

impl Attention {
    /// Attention of every query to every key.
    pub const fn new(scale: f32) -> Self {
        let (causal, past, bias, probs, lse) = (false, false, false, false, false);
        Self { scale, causal, window: None, soft_cap: None, past, bias, axial: None, probs, lse }
    }
}
