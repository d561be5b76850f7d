//! Attention, its cache and rotary positions.

use graph::{Attention, Node, NodeId, Op, Port, Rope, RopeLayout, StateId};

use super::elementwise::strides;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::{Access, Shader};
use crate::values::{Home, paged};

/// The largest head width of the wide kernel.
const WIDE_DIM: usize = 256;

pub(super) fn rope(context: &Context<'_>, node: &Node, out: Port, rope: Rope) -> Result<Dispatch, Error> {
    let shape = context.shape(out)?;
    let (heads, dim) = (shape[2], shape[3]);
    let rows = shape[0] * shape[1] * heads;
    let half = context.shape(node.inputs[2])?[0];
    let interleaved = u32::from(rope.layout == RopeLayout::Interleaved);
    let mut params = [rows, heads, dim, half].map(|v| v as u32).to_vec();
    params.extend([interleaved, rope.scale.to_bits()]);
    let buffers: Vec<Buffer> = node.inputs.iter().copied().chain([out]).map(Buffer::Value).collect();
    Ok(Dispatch::new(Shader::Rope, buffers, params, threads(rows * (dim - half))))
}

/// Turns queries, and keys on their way to the pages.
pub(super) fn rope_append(context: &Context<'_>, [q, k]: [NodeId; 2], append: NodeId) -> Result<Vec<Dispatch>, Error> {
    let out = Port { node: q, output: 0 };
    let (q, k, node) = (context.graph.node(q), context.graph.node(k), context.graph.node(append));
    let (Op::Rope(spec), Op::KvAppend(state)) = (&k.op, &node.op) else {
        return Err(unsupported(node, out, "is fused as a cache"));
    };
    let (queries, shape) = (context.shape(out)?, context.shape(node.inputs[1])?);
    let (heads, dim, q_heads) = (shape[2], shape[3], queries[2]);
    let half = context.shape(k.inputs[2])?[0];
    let interleaved = u32::from(spec.layout == RopeLayout::Interleaved);
    let mut params = [shape[0], shape[1], heads, q_heads, dim, half].map(|v| v as u32).to_vec();
    params.extend([interleaved, spec.scale.to_bits()]);
    let buffers = [q.inputs[0], k.inputs[0], node.inputs[1], k.inputs[1], k.inputs[2], out];
    let groups = threads(shape[0] * shape[1] * (heads + q_heads) * (dim - half));
    let write = Dispatch::new(Shader::RopeAppend, buffers.map(Buffer::Value).to_vec(), params, groups);
    let mut dispatches = vec![Dispatch { state: Some((*state, Access::Write)), ..write }];
    gather_views(context, append, *state, &mut dispatches)?;
    Ok(dispatches)
}

/// Writes the pages; gathers dense keys and values where something else than attention reads them.
pub(super) fn kv_append(
    context: &Context<'_>,
    node: &Node,
    id: NodeId,
    state: StateId,
) -> Result<Vec<Dispatch>, Error> {
    let shape = context.shape(node.inputs[0])?;
    let width = shape[2] * shape[3];
    let params = [shape[0], shape[1], width].map(|v| v as u32).to_vec();
    let buffers = node.inputs.iter().copied().map(Buffer::Value).collect();
    let write = Dispatch::new(Shader::KvAppend, buffers, params, threads(shape[0] * shape[1] * width));
    let mut dispatches = vec![Dispatch { state: Some((state, Access::Write)), ..write }];
    gather_views(context, id, state, &mut dispatches)?;
    Ok(dispatches)
}

/// Dense keys and values, where something else than attention reads them.
fn gather_views(
    context: &Context<'_>,
    id: NodeId,
    state: StateId,
    dispatches: &mut Vec<Dispatch>,
) -> Result<(), Error> {
    for output in 0..2 {
        let port = Port { node: id, output };
        if !matches!(context.values.home(port), Some(Home::Slot(_))) {
            continue;
        }
        let shape = context.shape(port)?;
        let width = shape[2] * shape[3];
        let params = [shape[0], shape[1], width, usize::from(output)].map(|v| v as u32).to_vec();
        let groups = threads(shape[0] * shape[1] * width);
        let gather = Dispatch::new(Shader::KvGather, vec![Buffer::Value(port)], params, groups);
        dispatches.push(Dispatch { state: Some((state, Access::Read)), ..gather });
    }
    Ok(())
}

pub(super) fn attention(context: &Context<'_>, node: &Node, out: Port, spec: &Attention) -> Result<Dispatch, Error> {
    let state = paged(context.graph, &node.inputs);
    let q = context.shape(node.inputs[0])?;
    let k = &context.graph.value(node.inputs[1]).shape;
    let (k_batch, kv_heads) = (k[0].eval(context.symbols)?, k[2].eval(context.symbols)?);
    let [batch, tokens, heads, dim] = q[..] else { return Err(unsupported(node, out, "q needs four axes")) };
    let wide = context.wide() && dim <= WIDE_DIM && !spec.probs;
    let shader = match (wide, state.is_some(), spec.probs) {
        (true, false, _) => Shader::AttentionWide,
        (true, true, _) => Shader::AttentionWidePaged,
        (false, false, false) => Shader::Attention,
        (false, false, true) => Shader::AttentionProbs,
        (false, true, false) => Shader::AttentionPaged,
        (false, true, true) => Shader::AttentionPagedProbs,
    };
    let (past, bias) = optional(node, spec);
    // Pages are counted by the table, so that parameters stay the same from token to token.
    let keys = if state.is_some() { 0 } else { k[1].eval(context.symbols)? };
    let bias_strides = match bias {
        Some(port) => strides(&context.shape(port)?, 4),
        None => vec![0; 4],
    };
    let flags = u32::from(spec.causal) | u32::from(spec.past) << 1 | u32::from(spec.bias) << 2;
    let mut params: Vec<u32> = bias_strides.iter().map(|s| *s as u32).collect();
    params.extend([batch, tokens, heads, kv_heads, dim, keys, k_batch].map(|v| v as u32));
    let soft_cap = spec.soft_cap.unwrap_or(0.0);
    params.extend([flags, spec.window.map_or(u32::MAX, |w| w as u32), spec.scale.to_bits(), soft_cap.to_bits()]);
    let buffer = |port: Option<Port>| port.map_or(Buffer::Nothing, Buffer::Value);
    let mut buffers = vec![Buffer::Value(node.inputs[0]), buffer(past), buffer(bias), Buffer::Value(out)];
    if state.is_none() {
        buffers.extend([Buffer::Value(node.inputs[1]), Buffer::Value(node.inputs[2])]);
    }
    if spec.probs {
        buffers.push(Buffer::Value(Port { output: 1, ..out }));
    }
    let queries = batch * tokens * heads;
    let groups = if wide { queries as u64 } else { threads(queries * dim.div_ceil(64)) };
    let dispatch = Dispatch::new(shader, buffers, params, groups);
    Ok(Dispatch { state: state.map(|s| (s, Access::Read)), ..dispatch })
}

/// The inputs `past` and `bias`, where the node has them.
fn optional(node: &Node, spec: &Attention) -> (Option<Port>, Option<Port>) {
    let past = spec.past.then(|| node.inputs[3]);
    let bias = spec.bias.then(|| node.inputs[3 + usize::from(spec.past)]);
    (past, bias)
}
