//! Handles to values while a graph is written, with a method for each operation.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::{NodeId, Port};
use crate::{
    Act, Adapter, Attention, Bias, BinaryOp, Builder, DType, Dim, Dropout, Gate, MatMul, Op, Reduce, Rope, Scope,
    Shape, Stored, Training, UnaryOp,
};

/// A value of the graph being written: a `Copy` handle, so that a model reads as if it computed at once.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    pub(crate) builder: &'g Builder,
    pub(crate) port: Port,
}

impl<'g> Var<'g> {
    /// Another output of the same node.
    #[must_use]
    pub fn output(self, output: u8) -> Self {
        Self { port: Port { output, ..self.port }, ..self }
    }

    /// The node that yields this value.
    pub fn node(self) -> NodeId {
        self.port.node
    }

    /// The shape.
    pub fn shape(self) -> Shape {
        self.builder.value(self.port).shape
    }

    /// The element type.
    pub fn dtype(self) -> DType {
        self.builder.value(self.port).dtype
    }

    /// One size.
    pub fn dim(self, axis: usize) -> Dim {
        self.shape().get(axis).cloned().unwrap_or_else(|| Dim::from(0))
    }

    #[track_caller]
    pub(crate) fn apply(self, op: Op, others: &[Var<'g>]) -> Var<'g> {
        let inputs: Vec<Var<'g>> = std::iter::once(self).chain(others.iter().copied()).collect();
        self.builder.push(op, &inputs)
    }

    /// Rows of this table: `[V, C]` by ids `[..]` gives `[.., C]`.
    #[track_caller]
    pub fn gather_rows(self, ids: Var<'g>) -> Var<'g> {
        self.apply(Op::GatherRows, &[ids])
    }

    /// `x Wᵀ + b` with `weight` [n, K] and `bias` [n] at `at`: `[.., K]` gives `[.., n]`.
    #[track_caller]
    pub fn linear(self, at: &Scope<'g>, n: usize, bias: Bias) -> Var<'g> {
        self.project(at, n, bias, None, Stored::AsDeclared)
    }

    /// [`Var::linear`] followed by an activation.
    #[track_caller]
    pub fn linear_act(self, at: &Scope<'g>, n: usize, bias: Bias, act: Act) -> Var<'g> {
        self.project(at, n, bias, Some(act), Stored::AsDeclared)
    }

    /// [`Var::linear`] whose checkpoint stores the weight as [K, n] (GPT-2's Conv1D).
    #[track_caller]
    pub fn conv1d(self, at: &Scope<'g>, n: usize, act: Option<Act>) -> Var<'g> {
        self.project(at, n, Bias::Add, act, Stored::Transposed)
    }

    #[track_caller]
    pub(crate) fn project(self, at: &Scope<'g>, n: usize, bias: Bias, act: Option<Act>, stored: Stored) -> Var<'g> {
        let weight = at.tensor("weight", [n, self.shape().last_known().unwrap_or(0)], stored);
        let adapter = self.builder.adapter(at);
        // The gradient of an activation reads what it is applied to, and an adapter's result comes before it.
        let split = self.builder.training().is_some() || adapter.is_some();
        let (fused, apart) = if split { (None, act) } else { (act, None) };
        let y = match bias {
            Bias::None => self.apply(Op::Linear { bias, act: fused }, &[weight]),
            Bias::Add => self.apply(Op::Linear { bias, act: fused }, &[weight, at.bias(n)]),
        };
        let y = adapter.map_or(y, |(adapter, dropout)| y + self.adapted(at, n, adapter, dropout));
        apart.map_or(y, |act| y.act(act))
    }

    /// What an adapter adds to the projection at `at`: `[.., K]` gives `[.., n]`.
    #[track_caller]
    fn adapted(self, at: &Scope<'g>, n: usize, Adapter { rank, scale }: Adapter, dropout: f32) -> Var<'g> {
        let k = self.shape().last_known().unwrap_or(0);
        let (a, b) = (at.at("lora_A").weight([rank, k]), at.at("lora_B").weight([n, rank]));
        let x = if dropout > 0.0 { self.drop(dropout, self.builder.rng()) } else { self };
        x.linear_with(a).linear_with(b).scale(scale)
    }

    /// `x Wᵀ` with a weight that is already at hand (a tied embedding): `[.., K]` by `[n, K]` gives `[.., n]`.
    #[track_caller]
    pub fn linear_with(self, weight: Var<'g>) -> Var<'g> {
        self.apply(Op::Linear { bias: Bias::None, act: None }, &[weight])
    }

    /// Batched product: `[.., M, K]` by `[.., K, N]`.
    #[track_caller]
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        self.matmul_as(MatMul::default(), other)
    }

    /// Batched product of matrices that may be read transposed.
    #[track_caller]
    pub fn matmul_as(self, spec: MatMul, other: Var<'g>) -> Var<'g> {
        self.apply(Op::MatMul(spec), &[other])
    }

    /// Root mean square norm over the last axis, with `weight` at `at`.
    #[track_caller]
    pub fn rms_norm(self, at: &Scope<'g>, eps: f32) -> Var<'g> {
        let weight = at.weight([self.shape().last_known().unwrap_or(0)]);
        self.apply(Op::RmsNorm { eps }, &[weight])
    }

    /// [`Var::rms_norm`] whose checkpoint stores the weight less one.
    #[track_caller]
    pub fn rms_norm_from_one(self, at: &Scope<'g>, eps: f32) -> Var<'g> {
        let weight = at.tensor("weight", [self.shape().last_known().unwrap_or(0)], Stored::LessOne);
        self.apply(Op::RmsNorm { eps }, &[weight])
    }

    /// Layer norm over the last axis, with `weight` and `bias` at `at`.
    #[track_caller]
    pub fn layer_norm(self, at: &Scope<'g>, eps: f32, bias: Bias) -> Var<'g> {
        let n = self.shape().last_known().unwrap_or(0);
        match bias {
            Bias::None => self.apply(Op::LayerNorm { eps, bias }, &[at.weight([n])]),
            Bias::Add => self.apply(Op::LayerNorm { eps, bias }, &[at.weight([n]), at.bias(n)]),
        }
    }

    /// Rotary embedding of `[B, T, H, D]` at `positions` [B, T] with `inv_freq` [R/2].
    #[track_caller]
    pub fn rope(self, positions: Var<'g>, inv_freq: Var<'g>, rope: Rope) -> Var<'g> {
        self.apply(Op::Rope(rope), &[positions, inv_freq])
    }

    /// Attention of these queries. The builder sets the flags of `spec` that follow from the arguments and from the
    /// tap `{name}.probs`.
    ///
    /// # Shapes
    /// `self` [B, T, H, D], `k`, `v` [B, S, G, D], `past` [B] i32, `bias` broadcast to [B, H, T, S] → [B, T, H, D].
    #[track_caller]
    pub fn attention(
        self,
        name: &str,
        (k, v): (Var<'g>, Var<'g>),
        past: Option<Var<'g>>,
        bias: Option<Var<'g>>,
        spec: Attention,
    ) -> Var<'g> {
        let tap = format!("{name}.probs");
        let wanted = self.builder.wants(&tap);
        let lse = self.builder.training().is_some();
        let spec = Attention { past: past.is_some(), bias: bias.is_some(), probs: wanted, lse, ..spec };
        let others: Vec<Var<'g>> = [Some(k), Some(v), past, bias].into_iter().flatten().collect();
        let out = self.apply(Op::Attention(spec), &others);
        if wanted {
            self.builder.tap(&tap, out.output(1));
        }
        out
    }

    /// An elementwise function.
    #[track_caller]
    pub fn unary(self, op: UnaryOp) -> Var<'g> {
        self.apply(Op::Unary(op), &[])
    }

    /// An activation.
    #[track_caller]
    pub fn act(self, act: Act) -> Var<'g> {
        self.unary(UnaryOp::Act(act))
    }

    /// `x / (1 + exp(-x))`
    #[track_caller]
    pub fn silu(self) -> Var<'g> {
        self.act(Act::Silu)
    }

    /// An elementwise function of two values, with broadcasting.
    #[track_caller]
    pub fn binary(self, op: BinaryOp, other: Var<'g>) -> Var<'g> {
        self.apply(Op::Binary(op), &[other])
    }

    /// `x * factor + offset`
    #[track_caller]
    pub fn affine(self, factor: f32, offset: f32) -> Var<'g> {
        self.apply(Op::Affine { factor, offset }, &[])
    }

    /// `x * factor`
    #[track_caller]
    pub fn scale(self, factor: f32) -> Var<'g> {
        self.affine(factor, 0.0)
    }

    /// `act(self) * up`
    #[track_caller]
    pub fn gated(self, up: Var<'g>, act: Act) -> Var<'g> {
        self.apply(Op::Gated(Gate { act }), &[up])
    }

    /// Softmax over the last axis.
    #[track_caller]
    pub fn softmax(self) -> Var<'g> {
        self.apply(Op::Softmax, &[])
    }

    /// A reduction over the last axis, which becomes 1.
    #[track_caller]
    pub fn reduce(self, reduce: Reduce) -> Var<'g> {
        self.apply(Op::Reduce(reduce), &[])
    }

    /// The index of the largest value of the last axis.
    #[track_caller]
    pub fn arg_max(self) -> Var<'g> {
        self.apply(Op::ArgMax, &[])
    }

    /// The `k` largest values of the last axis and their indices.
    #[track_caller]
    pub fn top_k(self, k: usize) -> (Var<'g>, Var<'g>) {
        let values = self.apply(Op::TopK { k }, &[]);
        (values, values.output(1))
    }

    /// The same elements in another shape.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'g> {
        self.apply(Op::Reshape(shape.into()), &[])
    }

    /// Splits the last axis into heads: `[B, T, H·D]` gives `[B, T, n, D]`.
    #[track_caller]
    pub fn heads(self, n: usize) -> Var<'g> {
        let shape = self.shape();
        let width = shape.last_known().unwrap_or(0);
        let mut dims = shape.with_last(n).to_vec();
        dims.push((width / n.max(1)).into());
        self.reshape(dims)
    }

    /// Joins the last two axes: `[B, T, H, D]` gives `[B, T, H·D]`.
    #[track_caller]
    pub fn merge_heads(self) -> Var<'g> {
        let mut dims = self.shape().to_vec();
        if let (Some(last), Some(before)) = (dims.pop(), dims.pop()) {
            dims.push(before * last);
        }
        self.reshape(dims)
    }

    /// Axis `i` of the result is axis `axes[i]`.
    #[track_caller]
    pub fn permute(self, axes: impl Into<Vec<usize>>) -> Var<'g> {
        self.apply(Op::Permute(axes.into()), &[])
    }

    /// `len` elements of an axis from `start`.
    #[track_caller]
    pub fn slice(self, axis: usize, start: impl Into<Dim>, len: impl Into<Dim>) -> Var<'g> {
        self.apply(Op::Slice { axis, start: start.into(), len: len.into() }, &[])
    }

    /// Cuts the last axis into parts of the given sizes.
    #[track_caller]
    pub fn split_last<const N: usize>(self, sizes: [usize; N]) -> [Var<'g>; N] {
        let axis = self.shape().len().saturating_sub(1);
        let mut start = 0;
        sizes.map(|len| {
            start += len;
            self.slice(axis, start - len, len)
        })
    }

    /// Repeats along axes of size 1 and new leading axes.
    #[track_caller]
    pub fn expand(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        if self.shape() == shape { self } else { self.apply(Op::Expand(shape), &[]) }
    }

    /// The sum over the axes that [`Var::expand`] would repeat.
    #[track_caller]
    pub fn sum_to(self, shape: impl Into<Shape>) -> Var<'g> {
        let shape = shape.into();
        if self.shape() == shape { self } else { self.apply(Op::SumTo(shape), &[]) }
    }

    /// Zeros around this value along an axis, which comes to have `size` elements.
    #[track_caller]
    pub fn pad(self, axis: usize, start: impl Into<Dim>, size: impl Into<Dim>) -> Var<'g> {
        self.apply(Op::Pad { axis, start: start.into(), size: size.into() }, &[])
    }

    /// In a graph for training, drops the share of values that it says, by `rng` [2] i32 (seed, step).
    #[track_caller]
    pub fn dropout(self, rng: Option<Var<'g>>) -> Var<'g> {
        match (self.builder.training(), rng) {
            (Some(Training { dropout: rate, .. }), Some(rng)) if rate > 0.0 => self.drop(rate, rng),
            _ => self,
        }
    }

    #[track_caller]
    fn drop(self, rate: f32, rng: Var<'g>) -> Var<'g> {
        self.apply(Op::Dropout(Dropout { rate, salt: self.builder.next_mask() }), &[rng])
    }

    /// The loss of each row of logits `[.., V]` by `targets` [..] i32; 0 where the target is no class.
    #[track_caller]
    pub fn cross_entropy(self, targets: Var<'g>) -> Var<'g> {
        let smoothing = self.builder.training().map_or(0.0, |training| training.label_smoothing);
        self.apply(Op::SoftmaxCrossEntropy { smoothing }, &[targets])
    }

    /// Joins values along an axis.
    #[track_caller]
    pub fn concat(self, others: &[Var<'g>], axis: usize) -> Var<'g> {
        self.apply(Op::Concat { axis }, others)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> {
                self.binary(BinaryOp::$trait, other)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.unary(UnaryOp::Neg)
    }
}
