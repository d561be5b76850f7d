//! From a node to its dispatches: which kernel, which buffers, which parameters, how many workgroups.

mod attention;
mod attention_grad;
mod elementwise;
mod linear;
mod losses;
mod matmul;
mod movement;
mod norm_grad;
mod rows;
mod scatter;
mod sum_to;
mod update;
mod vision;

pub(crate) use attention::{REACH, Reach};
pub(crate) use linear::gather_shader;

use std::sync::Arc;

use graph::{Dim, Graph, Node, NodeId, Op, Port, StateId, Symbols};

use crate::Error;
use crate::engine::{Kernels, Precision};
use crate::shaders::{Access, Shader};
use crate::units::Unit;
use crate::values::{Home, Values};
use crate::weights::Weight;

/// What a kernel reads or writes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    /// A value.
    Value(Port),
    /// A part of a weight in its own format.
    Part(graph::WeightId, usize),
    /// Nothing: the kernel takes a buffer that this node does not have.
    Nothing,
    /// Nowhere: the kernel writes a result that this node does not have; one of two halves.
    Nowhere(u64),
    /// The biases of joined projections, by the first node.
    Bias(NodeId),
    /// What the dispatches of a node leave for each other, by its number.
    Scratch(NodeId, u8),
}

/// One dispatch.
pub(crate) struct Dispatch {
    pub shader: Shader,
    /// Bindings 1, 2, … of group 0.
    pub buffers: Vec<Buffer>,
    /// The state bound as group 1, and whether its pages are written.
    pub state: Option<(StateId, Access)>,
    /// The parameters' words.
    pub params: Vec<u32>,
    /// Workgroups, before they are folded.
    pub groups: u64,
    /// Bytes of weights that it reads.
    pub weight_bytes: u64,
}

impl Dispatch {
    fn new(shader: Shader, buffers: Vec<Buffer>, params: Vec<u32>, groups: u64) -> Self {
        Self { shader, buffers, state: None, params, groups, weight_bytes: 0 }
    }
}

/// Words that the dispatches of a node leave for each other.
pub(crate) fn scratch(graph: &Graph, node: &Node) -> Vec<Dim> {
    match &node.op {
        Op::SumTo(_) => sum_to::scratch(graph, node),
        Op::MatMul(spec) => matmul::scratch(graph, node, spec),
        Op::Reduce(reduce) => rows::scratch(graph, node, *reduce),
        Op::ScatterAddRows { .. } => vec![graph.value(node.inputs[0]).shape.elements()],
        Op::RmsNormGrad { .. } | Op::LayerNormGrad { .. } => norm_grad::scratch(graph, node),
        Op::AttentionGrad { .. } => vec![graph.value(node.inputs[4]).shape.elements() * Dim::from(4)],
        _ => Vec::new(),
    }
}

/// What the kernels need to know of a program in one run.
pub(crate) struct Context<'a> {
    pub graph: &'a Graph,
    pub values: &'a Values,
    pub units: &'a [Unit],
    /// By [`graph::WeightId`].
    pub weights: &'a [Arc<Weight>],
    /// The sizes of this run.
    pub symbols: &'a Symbols,
    /// The sizes of this run's shape class, by which kernels are chosen.
    pub class: &'a Symbols,
    pub kernels: Kernels,
    pub precision: Precision,
}

/// Workgroups of 64 threads for `n` threads.
pub(crate) fn threads(n: usize) -> u64 {
    (n as u64).div_ceil(64)
}

impl Context<'_> {
    /// The sizes of a value in this run.
    pub fn shape(&self, port: Port) -> Result<Vec<usize>, Error> {
        Ok(self.graph.value(port).shape.eval(self.symbols)?)
    }

    /// The number of elements in this run's shape class.
    fn class_len(&self, port: Port) -> usize {
        self.graph.value(port).shape.elements().eval(self.class).unwrap_or(usize::MAX)
    }

    /// The last axis in this run's shape class.
    fn class_cols(&self, port: Port) -> usize {
        let last = self.graph.value(port).shape.last();
        last.map_or(1, |cols| cols.eval(self.class).unwrap_or(usize::MAX))
    }

    /// An axis in this run's shape class, counted from the last.
    fn class_axis(&self, port: Port, from_last: usize) -> usize {
        let shape = &self.graph.value(port).shape;
        let axis = shape.len().checked_sub(1 + from_last).and_then(|i| shape.get(i));
        axis.map_or(1, |size| size.eval(self.class).unwrap_or(usize::MAX))
    }

    /// Rows (all axes but the last) and columns.
    fn rows_cols(&self, port: Port) -> Result<(usize, usize), Error> {
        let shape = self.shape(port)?;
        let (cols, outer) = shape.split_last().map_or((1, &[][..]), |(cols, outer)| (*cols, outer));
        Ok((outer.iter().product(), cols))
    }

    /// The weight behind a value, where a kernel reads its format.
    fn weight(&self, port: Port) -> Option<(graph::WeightId, &Weight)> {
        match self.values.home(port) {
            Some(Home::Weight(id)) => Some((id, &self.weights[id.0 as usize])),
            _ => None,
        }
    }

    /// The kernel for this device of the two that there are.
    fn choose(&self, plain: Shader, wide: Shader) -> Shader {
        if self.wide() { wide } else { plain }
    }

    fn wide(&self) -> bool {
        self.kernels != Kernels::Plain
    }

    /// Whether products of many rows are in 16-bit floats.
    fn half(&self) -> bool {
        cfg!(feature = "train") && self.precision == Precision::F16
    }
}

/// The dispatches of one unit, in order.
///
/// # Errors
/// A symbol is unbound, or no kernel covers a node.
pub(crate) fn dispatches(context: &Context<'_>, unit: &Unit) -> Result<Vec<Dispatch>, Error> {
    match unit {
        Unit::Node(id) => node_dispatches(context, *id),
        Unit::Linears(ids) => linear::linear(context, ids),
        Unit::Gated { projections, gated } => Ok(vec![linear::gated(context, *projections, *gated)?]),
        Unit::AddNorm { add, norm } => Ok(vec![rows::add_rms_norm(context, *add, *norm)?]),
        Unit::RopeAppend { ropes, append } => attention::rope_append(context, *ropes, *append),
    }
}

fn node_dispatches(context: &Context<'_>, id: NodeId) -> Result<Vec<Dispatch>, Error> {
    let node = context.graph.node(id);
    let out = Port { node: id, output: 0 };
    let one = |dispatch: Result<Dispatch, Error>| Ok(vec![dispatch?]);
    match &node.op {
        Op::Input { .. } | Op::Weight(_) | Op::Const(_) => Ok(Vec::new()),
        Op::Reshape(_) => movement::reshape(context, node, out),
        Op::GatherRows => linear::gather_rows(context, node, out),
        Op::Linear { .. } => linear::linear(context, &[id]),
        Op::MatMul(spec) => matmul::matmul(context, node, out, spec),
        Op::RmsNorm { eps } => one(rows::rms_norm(context, node, out, *eps)),
        Op::LayerNorm { eps, bias } => one(rows::layer_norm(context, node, out, *eps, *bias)),
        Op::Rope(rope) => one(attention::rope(context, node, out, *rope)),
        Op::KvAppend(state) => attention::kv_append(context, node, id, *state),
        Op::Attention(spec) => one(attention::attention(context, node, out, spec)),
        Op::Unary(op) => one(elementwise::unary(context, node, out, *op)),
        Op::Binary(op) => one(elementwise::binary(context, node, out, *op)),
        Op::Affine { factor, offset } => one(elementwise::affine(context, node, out, *factor, *offset)),
        Op::Gated(gate) => one(elementwise::gated(context, node, out, *gate)),
        Op::Softmax => one(rows::softmax(context, node, out)),
        Op::Reduce(reduce) => rows::reduce(context, node, out, *reduce),
        Op::ArgMax => one(rows::arg_max(context, node, out)),
        Op::TopK { k } => rows::top_k(context, node, out, *k),
        Op::Permute(axes) => one(movement::permute(context, node, out, axes)),
        Op::Slice { axis, start, .. } => one(movement::slice(context, node, out, *axis, start)),
        Op::Concat { axis } => movement::concat(context, node, out, *axis),
        Op::Expand(_) => one(movement::expand(context, node, out)),
        Op::SumTo(_) => sum_to::sum_to(context, node, out),
        Op::Pad { axis, start, .. } => one(movement::pad(context, node, out, *axis, start)),
        Op::Unfold(window) => one(vision::unfold(context, node, out, window)),
        Op::Fold { window, .. } => one(vision::fold(context, node, out, window)),
        Op::Depthwise { window, bias, act } => one(vision::depthwise(context, node, out, (window, *bias, *act))),
        Op::ScatterAddRows { .. } => scatter::scatter_add_rows(context, node, out),
        Op::Dropout(_)
        | Op::SoftmaxCrossEntropy { .. }
        | Op::UnaryGrad(_)
        | Op::GatedGrad(_)
        | Op::RmsNormGrad { .. }
        | Op::LayerNormGrad { .. }
        | Op::AttentionGrad { .. }
        | Op::SoftmaxCrossEntropyGrad { .. }
        | Op::Update { .. } => training(context, node, out),
    }
}

/// The dispatches of a node of a training step.
fn training(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    if !cfg!(feature = "train") {
        return Err(unsupported(node, out, "this build does not train"));
    }
    let one = |dispatch: Result<Dispatch, Error>| Ok(vec![dispatch?]);
    match &node.op {
        Op::Dropout(dropout) => one(elementwise::dropout(context, node, out, *dropout)),
        Op::SoftmaxCrossEntropy { smoothing } => one(losses::softmax_cross_entropy(context, node, out, *smoothing)),
        Op::UnaryGrad(op) => one(elementwise::unary_grad(context, node, out, *op)),
        Op::GatedGrad(gate) => one(elementwise::gated_grad(context, node, out, *gate)),
        Op::RmsNormGrad { eps } | Op::LayerNormGrad { eps } => norm_grad::norm_grad(context, node, out, *eps),
        Op::AttentionGrad { spec, scores } => attention_grad::attention_grad(context, node, out, (spec, *scores)),
        Op::SoftmaxCrossEntropyGrad { smoothing } => {
            one(losses::softmax_cross_entropy_grad(context, node, out, *smoothing))
        }
        Op::Update { rule, weights } => one(update::update(context, node, out, (*rule, weights))),
        _ => Err(unsupported(node, out, "belongs to no training step")),
    }
}

fn unsupported(node: &Node, out: Port, reason: impl Into<String>) -> Error {
    Error::Unsupported { op: node.op.name(), node: out.node.0, reason: reason.into() }
}
