//! Norms, softmax and reductions: everything that treats one row at a time.

use graph::{Bias, Dim, Graph, Node, NodeId, Op, Port, Reduce};

use super::sum_to::chunks;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

/// Software adapters end an invocation after 65,535 turns of its loops, without an error.
pub(super) const MOST_TURNS: usize = 60_000;

/// Times that norms and softmax pass over a row at most.
const PASSES: usize = 3;

/// A dispatch over rows: a thread a row in the plain kernel, a workgroup a row in the wide one.
pub(super) fn by_rows(
    context: &Context<'_>,
    shaders: (Shader, Shader),
    x: Port,
    buffers: Vec<Buffer>,
    more: &[u32],
) -> Result<Dispatch, Error> {
    by_long_rows(context, shaders, x, buffers, more, PASSES)
}

/// [`by_rows`] with a number of passes over each row; a row that is too long for one thread is the wide kernel's.
pub(super) fn by_long_rows(
    context: &Context<'_>,
    (plain, wide): (Shader, Shader),
    x: Port,
    buffers: Vec<Buffer>,
    more: &[u32],
    passes: usize,
) -> Result<Dispatch, Error> {
    let (rows, cols) = context.rows_cols(x)?;
    let mut params = vec![rows as u32, cols as u32];
    params.extend_from_slice(more);
    let turns = context.class_cols(x).saturating_mul(passes);
    let shader = if turns > MOST_TURNS { wide } else { context.choose(plain, wide) };
    let groups = if shader == wide { rows as u64 } else { threads(rows) };
    Ok(Dispatch::new(shader, buffers, params, groups))
}

pub(super) fn values(ports: &[Port]) -> Vec<Buffer> {
    ports.iter().map(|p| Buffer::Value(*p)).collect()
}

pub(super) fn rms_norm(context: &Context<'_>, node: &Node, out: Port, eps: f32) -> Result<Dispatch, Error> {
    let buffers = values(&[node.inputs[0], node.inputs[1], out]);
    by_rows(context, (Shader::RmsNorm, Shader::RmsNormWide), node.inputs[0], buffers, &[eps.to_bits(), 0])
}

pub(super) fn add_rms_norm(context: &Context<'_>, add: NodeId, norm: NodeId) -> Result<Dispatch, Error> {
    let (sum, out) = (Port { node: add, output: 0 }, Port { node: norm, output: 0 });
    let (add, norm) = (context.graph.node(add), context.graph.node(norm));
    let eps = match norm.op {
        Op::RmsNorm { eps } => eps,
        _ => return Err(unsupported(norm, out, "is fused as a norm")),
    };
    let buffers = values(&[add.inputs[0], add.inputs[1], norm.inputs[1], sum, out]);
    by_rows(context, (Shader::AddRmsNorm, Shader::AddRmsNormWide), sum, buffers, &[eps.to_bits(), 0])
}

pub(super) fn layer_norm(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    eps: f32,
    bias: Bias,
) -> Result<Dispatch, Error> {
    let (added, flag) = match bias {
        Bias::None => (Buffer::Nothing, 0),
        Bias::Add => (Buffer::Value(node.inputs[2]), 1),
    };
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), added, Buffer::Value(out)];
    by_rows(context, (Shader::LayerNorm, Shader::LayerNormWide), node.inputs[0], buffers, &[eps.to_bits(), flag])
}

pub(super) fn softmax(context: &Context<'_>, node: &Node, out: Port) -> Result<Dispatch, Error> {
    let x = node.inputs[0];
    by_rows(context, (Shader::Softmax, Shader::SoftmaxWide), x, values(&[x, out]), &[])
}

/// Parts that the sum of one long row is cut into on a real GPU, and the shortest row that is cut.
const PARTS: usize = 4096;

/// Sums of parts of one long row.
pub(super) fn scratch(graph: &Graph, node: &Node, reduce: Reduce) -> Vec<Dim> {
    let one = node.outputs[0].shape.elements().known() == Some(1);
    let long = graph.value(node.inputs[0]).shape.elements().known().is_some_and(|n| n >= 4 * PARTS);
    if one && long && reduce == Reduce::Sum { vec![Dim::from(PARTS)] } else { Vec::new() }
}

pub(super) fn reduce(context: &Context<'_>, node: &Node, out: Port, reduce: Reduce) -> Result<Vec<Dispatch>, Error> {
    let code = match reduce {
        Reduce::Sum => 0,
        Reduce::Mean => 1,
        Reduce::Max => 2,
    };
    let x = node.inputs[0];
    if context.wide() && context.values.scratch(out.node, 0).is_some() {
        let parts = Buffer::Scratch(out.node, 0);
        let sums = chunks(context.rows_cols(x)?.1, (1, 1), 0).dispatch(Buffer::Value(x), parts, PARTS);
        let params = vec![1, PARTS as u32, code];
        return Ok(vec![sums, Dispatch::new(Shader::ReduceWide, vec![parts, Buffer::Value(out)], params, 1)]);
    }
    Ok(vec![by_rows(context, (Shader::Reduce, Shader::ReduceWide), x, values(&[x, out]), &[code])?])
}

pub(super) fn arg_max(context: &Context<'_>, node: &Node, out: Port) -> Result<Dispatch, Error> {
    let x = node.inputs[0];
    by_rows(context, (Shader::ArgMax, Shader::ArgMaxWide), x, values(&[x, out]), &[])
}

/// Turns of the tree that finds the best of a workgroup, and of the search around it.
const BEST_TURNS: usize = 10;

/// As many searches in one dispatch as a thread of a workgroup has turns for.
pub(super) fn top_k(context: &Context<'_>, node: &Node, out: Port, k: usize) -> Result<Vec<Dispatch>, Error> {
    let x = node.inputs[0];
    let turns = context.class_cols(x).div_ceil(256).saturating_add(BEST_TURNS);
    let searches = (MOST_TURNS / turns).max(1);
    let part = |from: usize| {
        let buffers = values(&[x, out, Port { output: 1, ..out }]);
        let more = [k, from, k.min(from + searches)].map(|v| v as u32);
        by_long_rows(context, (Shader::TopK, Shader::TopKWide), x, buffers, &more, k.max(PASSES))
    };
    (0..k).step_by(searches).map(part).collect()
}
