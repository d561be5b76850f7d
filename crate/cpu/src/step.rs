//! One node: its values are found, its kernel is called.

use graph::{Attention, Bias as HasBias, MatMul, Node, NodeId, Op, Port, Rope};

mod training;
mod vision;

use crate::Error;
use crate::cache::Caches;
use crate::gemm::Packed;
use crate::kernels::attention::{Bias, Keys, Operands, Partial, Sizes, attention, probs};
use crate::kernels::kv_append::{Side, append, gather};
use crate::kernels::rope::Angles;
use crate::kernels::{
    affine, arg_max, binary, concat, expand, gated, gather_rows, layer_norm, linear, matmul, norm_grad, pad, permute,
    reduce, rms_norm, rope, scatter_add_rows, slice, softmax, sum_to, top_k, unary,
};
use crate::matrix::{Activations, matmul as packed, matmul_shared as packed_shared};
use crate::plan::root;
use crate::pool::Pool;
use crate::reader::Reader;
use crate::session::Session;

/// What nodes share within a run, and memory that is kept between runs.
#[derive(Default)]
pub(crate) struct Scratch {
    activations: Activations,
    /// The value that `activations` was made of.
    quantized: Option<Port>,
    partial: Partial,
    sums: norm_grad::Partial,
    /// The right side of a product of plain matrices.
    packed: Packed,
    angles: Angles,
    /// Positions, frequencies and factor that `angles` was made of.
    turned: Option<(Port, Port, f32)>,
}

impl Scratch {
    /// Before a run: nothing is known of its values.
    pub fn forget(&mut self) {
        self.quantized = None;
        self.turned = None;
    }
}

/// A node about to be computed.
pub(crate) struct Task<'a> {
    pub pool: &'a Pool,
    pub id: NodeId,
    pub node: &'a Node,
    pub reader: &'a Reader<'a>,
    pub caches: &'a Caches,
}

/// The most results that an operation has.
pub(crate) const OUTPUTS: usize = 4;

/// The results of a node, empty where it has none.
pub(crate) type Outputs<'a> = [&'a mut [f32]; OUTPUTS];

impl<'a> Task<'a> {
    fn port(&self, i: usize) -> Result<Port, Error> {
        self.node.inputs.get(i).copied().ok_or_else(|| self.fail(format!("has no input {i}")))
    }

    fn f32(&self, i: usize) -> Result<&'a [f32], Error> {
        self.reader.f32(self.port(i)?)
    }

    fn i32(&self, i: usize) -> Result<&'a [i32], Error> {
        self.reader.i32(self.port(i)?)
    }

    fn shape(&self, i: usize) -> Result<&'a [usize], Error> {
        Ok(self.reader.shape(self.port(i)?))
    }

    /// Sizes of four axes.
    fn four(&self, i: usize) -> Result<[usize; 4], Error> {
        let shape = self.shape(i)?;
        shape.try_into().map_err(|_| self.fail(format!("input {i} has {} axes, expected four", shape.len())))
    }

    fn out_shape(&self) -> &'a [usize] {
        self.reader.shape(Port { node: self.id, output: 0 })
    }

    fn fail(&self, reason: String) -> Error {
        let inputs = self.reader.shapes(&self.node.inputs);
        Error::Node { node: self.id.0, op: self.node.op.name(), reason, inputs }
    }
}

/// Computes a node into `outputs`.
pub(crate) fn run(
    task: &Task<'_>,
    scratch: &mut Scratch,
    session: Option<(&mut Session, &[i32])>,
    mut outputs: Outputs<'_>,
) -> Result<(), Error> {
    let pool = task.pool;
    let [out, second, ..] = &mut outputs;
    match &task.node.op {
        // They live where they are, see `Plan`.
        Op::Input { .. } | Op::Weight(_) | Op::Const(_) | Op::Reshape(_) => {}
        Op::GatherRows => gather_node(task, out)?,
        Op::Linear { bias, act } => linear_node(task, scratch, *bias, *act, out)?,
        Op::MatMul(spec) => matmul_node(task, scratch, *spec, out)?,
        Op::RmsNorm { eps } => rms_norm::rms_norm(pool, *eps, task.f32(0)?, task.f32(1)?, out),
        Op::LayerNorm { eps, bias } => {
            let bias = if *bias == HasBias::Add { Some(task.f32(2)?) } else { None };
            layer_norm::layer_norm(pool, *eps, task.f32(0)?, task.f32(1)?, bias, out);
        }
        Op::Rope(spec) => rope_node(task, scratch, spec, out)?,
        Op::KvAppend(state) => append_node(task, state.0 as usize, session, out, second)?,
        Op::Attention(spec) => attention_node(task, scratch, spec, session.map(|s| &*s.0), outputs)?,
        Op::Unary(op) => unary::unary(pool, *op, task.f32(0)?, out),
        Op::Binary(op) => {
            let (a, b) = ((task.f32(0)?, task.shape(0)?), (task.f32(1)?, task.shape(1)?));
            binary::binary(pool, *op, a, b, out, task.out_shape());
        }
        Op::Affine { factor, offset } => affine::affine(pool, *factor, *offset, task.f32(0)?, out),
        Op::Gated(gate) => gated::gated(pool, gate.act, task.f32(0)?, task.f32(1)?, out),
        Op::Softmax => softmax::softmax(pool, task.reader.rows(task.port(0)?).1, task.f32(0)?, out),
        Op::Reduce(op) => reduce::reduce(pool, *op, task.reader.rows(task.port(0)?).1, task.f32(0)?, out),
        Op::ArgMax => {
            let width = task.reader.rows(task.port(0)?).1;
            arg_max::arg_max(pool, width, task.f32(0)?, bytemuck::cast_slice_mut(out));
        }
        Op::TopK { k } => {
            let width = task.reader.rows(task.port(0)?).1;
            if *k > width {
                return Err(task.fail(format!("{k} of {width} values are asked for")));
            }
            top_k::top_k(width, *k, task.f32(0)?, out, bytemuck::cast_slice_mut(second));
        }
        Op::Permute(axes) => {
            // Elements are moved as they are, integers too.
            let (x, shape) = (words(task, 0)?, task.shape(0)?);
            permute::permute(pool, axes, (x, shape), bytemuck::cast_slice_mut(out), task.out_shape());
        }
        Op::Slice { axis, start, .. } => {
            let (x, shape) = (words(task, 0)?, task.shape(0)?);
            let (start, len) = (task.reader.size(start)?, task.out_shape()[*axis]);
            if start.checked_add(len).is_none_or(|end| end > shape[*axis]) {
                return Err(task.fail(format!("{start}..+{len} of axis {axis}")));
            }
            slice::slice(pool, (*axis, start), (x, shape), bytemuck::cast_slice_mut(out), task.out_shape());
        }
        Op::Concat { axis } => concat_node(task, *axis, out)?,
        Op::Expand(_) => {
            let x = (words(task, 0)?, task.shape(0)?);
            expand::expand(pool, x, bytemuck::cast_slice_mut(out), task.out_shape());
        }
        Op::SumTo(_) => sum_to::sum_to(pool, (task.f32(0)?, task.shape(0)?), out, task.out_shape()),
        Op::Pad { axis, start, .. } => pad_node(task, *axis, task.reader.size(start)?, out)?,
        Op::ScatterAddRows { .. } => {
            let width = task.reader.rows(task.port(1)?).1;
            scatter_add_rows::scatter_add_rows(pool, task.i32(0)?, task.f32(1)?, width, out);
        }
        Op::Unfold(_) | Op::Fold { .. } | Op::Depthwise { .. } => vision::run(task, out)?,
        Op::Dropout(_)
        | Op::SoftmaxCrossEntropy { .. }
        | Op::UnaryGrad(_)
        | Op::GatedGrad(_)
        | Op::RmsNormGrad { .. }
        | Op::LayerNormGrad { .. }
        | Op::AttentionGrad { .. }
        | Op::SoftmaxCrossEntropyGrad { .. }
        | Op::Update { .. } => training::run(task, scratch, outputs)?,
    }
    Ok(())
}

/// The elements of an input, whatever they are.
fn words<'a>(task: &Task<'a>, i: usize) -> Result<&'a [u32], Error> {
    let port = task.port(i)?;
    Ok(if task.reader.is_f32(port) {
        bytemuck::cast_slice(task.reader.f32(port)?)
    } else {
        bytemuck::cast_slice(task.reader.i32(port)?)
    })
}

fn gather_node(task: &Task<'_>, out: &mut [f32]) -> Result<(), Error> {
    let (table, ids) = (task.port(0)?, task.i32(1)?);
    match task.reader.matrix(table) {
        Some(matrix) => gather_rows::from_matrix(task.pool, matrix, ids, out),
        None => {
            let width = task.reader.rows(table).1;
            gather_rows::from_values(task.pool, words(task, 0)?, width, ids, bytemuck::cast_slice_mut(out));
        }
    }
    Ok(())
}

fn linear_node(
    task: &Task<'_>,
    scratch: &mut Scratch,
    bias: HasBias,
    act: Option<graph::Act>,
    out: &mut [f32],
) -> Result<(), Error> {
    let (port, x) = (task.port(0)?, task.f32(0)?);
    let (m, k) = task.reader.rows(port);
    let bias = if bias == HasBias::Add { Some(task.f32(2)?) } else { None };
    let Some(weight) = task.reader.matrix(task.port(1)?) else {
        let n = out.len().checked_div(m).unwrap_or(0);
        linear::linear(task.pool, (m, k, n), (x, task.f32(1)?, bias), act, &mut scratch.packed, out);
        return Ok(());
    };
    let source = root(task.reader.graph, port);
    if scratch.quantized == Some(source) {
        packed_shared(task.pool, weight, x, m, &mut scratch.activations, out, bias, act);
    } else {
        packed(task.pool, weight, x, m, &mut scratch.activations, out, bias, act);
        scratch.quantized = Some(source);
    }
    Ok(())
}

fn matmul_node(task: &Task<'_>, scratch: &mut Scratch, spec: MatMul, out: &mut [f32]) -> Result<(), Error> {
    let (a, [.., m, n]) = (task.shape(0)?, task.out_shape()) else { return Err(task.fail("needs two axes".into())) };
    let inner = if spec.a == graph::Side::Plain { a.len() - 1 } else { a.len() - 2 };
    let operands = (task.f32(0)?, task.f32(1)?);
    matmul::matmul(task.pool, spec, (*m, a[inner], *n), operands, &mut scratch.packed, out);
    Ok(())
}

fn rope_node(task: &Task<'_>, scratch: &mut Scratch, spec: &Rope, out: &mut [f32]) -> Result<(), Error> {
    let (positions, frequencies) = (task.port(1)?, task.port(2)?);
    let wanted = Some((positions, frequencies, spec.scale));
    if scratch.turned != wanted {
        scratch.angles.fill(task.i32(1)?, task.f32(2)?, spec.scale);
        scratch.turned = wanted;
    }
    let [_, _, n_head, head_dim] = task.four(0)?;
    rope::rope(task.pool, spec, (n_head, head_dim), &scratch.angles, task.f32(0)?, out);
    Ok(())
}

fn append_node(
    task: &Task<'_>,
    state: usize,
    session: Option<(&mut Session, &[i32])>,
    keys: &mut [f32],
    values: &mut [f32],
) -> Result<(), Error> {
    let (session, past) = session.ok_or_else(|| task.fail("there is no session".into()))?;
    let tokens = task.four(0)?[1];
    let held = session.states.get_mut(state).ok_or_else(|| task.fail("the session has no such state".into()))?;
    append(held, &session.table, past, tokens, task.f32(0)?, task.f32(1)?);
    if !task.caches.only_pages(task.id) {
        let len = task.out_shape()[1];
        gather(held, &session.table, Side::Keys, len, keys);
        gather(held, &session.table, Side::Values, len, values);
    }
    Ok(())
}

fn attention_node(
    task: &Task<'_>,
    scratch: &mut Scratch,
    spec: &Attention,
    session: Option<&Session>,
    [out, second, third, _]: Outputs<'_>,
) -> Result<(), Error> {
    let ([batch, queries, n_head, head_dim], [k_batch, keys, n_kv_head, _]) = (task.four(0)?, task.four(1)?);
    let sizes = Sizes { batch, queries, n_head, n_kv_head, head_dim, keys };
    let held = match task.caches.state(task.id) {
        Some(state) => {
            let session = session.ok_or_else(|| task.fail("there is no session".into()))?;
            let state = session.states.get(state).ok_or_else(|| task.fail("the session has no such state".into()))?;
            Keys::Paged { state, table: &session.table }
        }
        None => Keys::Dense { k: task.f32(1)?, v: task.f32(2)?, batch: k_batch },
    };
    let past = if spec.past { Some(task.i32(3)?) } else { None };
    let bias = if spec.bias { Some(bias_of(task, 3 + usize::from(spec.past), &sizes, spec.axial)?) } else { None };
    let operands = Operands { q: task.f32(0)?, keys: held, past, bias };
    let (weights, lse): (&mut [f32], &mut [f32]) = if spec.probs { (second, third) } else { (&mut [], second) };
    attention(task.pool, spec, &sizes, &operands, &mut scratch.partial, out, lse);
    if spec.probs {
        probs(task.pool, spec, &sizes, &operands, weights);
    }
    Ok(())
}

fn bias_of<'a>(task: &Task<'a>, i: usize, sizes: &Sizes, axial: Option<usize>) -> Result<Bias<'a>, Error> {
    let full = [sizes.batch, sizes.n_head, sizes.queries, sizes.keys];
    let steps = match axial {
        // [B, T, H, R + C]
        Some(columns) => {
            let both = sizes.keys / columns.max(1) + columns;
            vec![sizes.queries * sizes.n_head * both, both, sizes.n_head * both, columns]
        }
        None => binary::steps(task.shape(i)?, &full),
    };
    let steps = steps.try_into().map_err(|_| task.fail("the bias has not four axes".into()))?;
    Ok(Bias { values: task.f32(i)?, steps, axial: axial.is_some() })
}

fn pad_node(task: &Task<'_>, axis: usize, start: usize, out: &mut [f32]) -> Result<(), Error> {
    let (x, shape) = (task.shape(0)?, task.out_shape());
    let inner: usize = shape[axis + 1..].iter().product();
    if start.checked_add(x[axis]).is_none_or(|end| end > shape[axis]) {
        return Err(task.fail(format!("{start}..+{} of axis {axis}", x[axis])));
    }
    let values = (words(task, 0)?, x[axis] * inner);
    pad::pad(task.pool, values, start * inner, bytemuck::cast_slice_mut(out), shape[axis] * inner);
    Ok(())
}

fn concat_node(task: &Task<'_>, axis: usize, out: &mut [f32]) -> Result<(), Error> {
    let inner: usize = task.out_shape()[axis + 1..].iter().product();
    let width = task.out_shape()[axis] * inner;
    let mut place = 0;
    for i in 0..task.node.inputs.len() {
        let len = task.shape(i)?[axis] * inner;
        concat::place(words(task, i)?, len, place, bytemuck::cast_slice_mut(out), width);
        place += len;
    }
    Ok(())
}
