//! Attention, its cache and rotary positions.

use graph::{Attention, Graph, Node, NodeId, Op, Port, Rope, RopeLayout, StateId, Symbol, Symbols};

use super::elementwise::strides;
use super::rows::MOST_TURNS;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::{Access, Shader};
use crate::values::{Home, paged};

/// The largest head width of the wide kernels.
pub(super) const WIDE_DIM: usize = 256;
/// The largest head width of the tiled kernels, and of those that are not `broad`.
const TILED_DIMS: [usize; 2] = [64, 128];
/// Rows of a tile.
pub(super) const TILE: usize = 32;
/// The fewest rows for which a tile is worth its while.
const TILED_ROWS: usize = 8;

/// Whether tiles serve heads of this width, of so many rows; whether with the kernels `broad`.
pub(super) fn tiled(dim: usize, rows: usize) -> Option<bool> {
    (rows >= TILED_ROWS && dim <= TILED_DIMS[1]).then_some(dim > TILED_DIMS[0])
}

/// Bound to the [`Reach`] that the caches of a run need: a part of a plan's class, because kernels are chosen by it.
pub(crate) const REACH: Symbol = Symbol('∞');

/// How many keys an attention sees, measured by the turns that a software adapter grants an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// One thread can see them all.
    Thread = 0,
    /// A workgroup can.
    Workgroup = 1,
    /// Neither.
    Beyond = 2,
}

impl Reach {
    /// Of one attention with heads of `dim` values over `keys` keys.
    fn new(keys: usize, dim: usize, probs: bool) -> Self {
        // A score, and one turn of the loop over keys; sums may be rescaled and grow by 64 values.
        let score = dim / 32 + 1 + dim % 16;
        let passes = if probs { 2 } else { 1 };
        let thread = passes * score + 6;
        // For 64 keys: two trees of six levels, and the values of four keys a turn.
        let workgroup = passes * score + 2 * 6 + 16;
        match () {
            () if keys.saturating_mul(thread) <= MOST_TURNS => Self::Thread,
            () if dim <= WIDE_DIM && keys.div_ceil(64).saturating_mul(workgroup) <= MOST_TURNS => Self::Workgroup,
            () => Self::Beyond,
        }
    }

    /// The longest of all attentions of a graph that read a cache with `keys` keys.
    pub fn of_caches(graph: &Graph, keys: usize) -> Self {
        let reaches = graph.iter().filter_map(|(_, node)| match &node.op {
            Op::Attention(spec) if paged(graph, &node.inputs).is_some() => {
                let dim = graph.value(node.inputs[0]).shape.last()?.known()?;
                Some(Self::new(keys, dim, spec.probs))
            }
            _ => None,
        });
        reaches.max().unwrap_or(Self::Thread)
    }

    /// That of the caches in this class of runs.
    fn bound(class: &Symbols) -> Self {
        match class.value(REACH) {
            Some(0) | None => Self::Thread,
            Some(1) => Self::Workgroup,
            Some(_) => Self::Beyond,
        }
    }
}

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
    let reach = match state {
        Some(_) => Reach::bound(context.class),
        None => Reach::new(k[1].eval(context.class)?, dim, spec.probs),
    };
    if reach == Reach::Beyond && !context.wide() {
        return Err(unsupported(node, out, "has more keys than a software adapter can see in one run"));
    }
    let wide = dim <= WIDE_DIM && (context.wide() || reach > Reach::Thread);
    let class_tokens = context.graph.value(node.inputs[0]).shape[1].eval(context.class).unwrap_or(tokens);
    let tiles = if context.wide() && !spec.probs { tiled(dim, class_tokens) } else { None };
    let shader = match (wide, state.is_some(), spec.probs) {
        (_, false, _) if tiles == Some(false) => Shader::AttentionTiled,
        (_, false, _) if tiles == Some(true) => Shader::AttentionTiledBroad,
        (_, true, _) if tiles == Some(false) => Shader::AttentionTiledPaged,
        (_, true, _) if tiles == Some(true) => Shader::AttentionTiledPagedBroad,
        (true, false, false) => Shader::AttentionWide,
        (true, false, true) => Shader::AttentionWideProbs,
        (true, true, false) => Shader::AttentionWidePaged,
        (true, true, true) => Shader::AttentionWidePagedProbs,
        (false, false, false) => Shader::Attention,
        (false, false, true) => Shader::AttentionProbs,
        (false, true, false) => Shader::AttentionPaged,
        (false, true, true) => Shader::AttentionPagedProbs,
    };
    let (past, bias) = optional(node, spec);
    // Pages are counted by the table, so that parameters stay the same from token to token.
    let keys = if state.is_some() { 0 } else { k[1].eval(context.symbols)? };
    let bias_strides = match bias {
        // Two tables side by side, [B, T, H, R + C].
        Some(port) if spec.axial.is_some() => {
            let (both, columns) = (context.shape(port)?[3], spec.axial.unwrap_or(1));
            vec![tokens * heads * both, both, heads * both, columns]
        }
        Some(port) => strides(&context.shape(port)?, 4),
        None => vec![0; 4],
    };
    let sizes = [batch, tokens, heads, kv_heads, dim, keys, k_batch];
    let params = params(
        spec,
        &bias_strides,
        sizes,
        flags(spec) | u32::from(spec.lse) << 3 | u32::from(spec.axial.is_some()) << 4,
    );
    let buffer = |port: Option<Port>| port.map_or(Buffer::Nothing, Buffer::Value);
    let mut buffers = vec![Buffer::Value(node.inputs[0]), buffer(past), buffer(bias), Buffer::Value(out)];
    if state.is_none() {
        buffers.extend([Buffer::Value(node.inputs[1]), Buffer::Value(node.inputs[2])]);
    }
    if spec.probs {
        buffers.push(Buffer::Value(Port { output: 1, ..out }));
    }
    let lse = Port { output: 1 + u8::from(spec.probs), ..out };
    buffers.push(if spec.lse { Buffer::Value(lse) } else { Buffer::Nowhere(0) });
    let queries = batch * tokens * heads;
    let groups = match () {
        () if tiles.is_some() => (batch * heads * tokens.div_ceil(TILE)) as u64,
        () if wide => queries as u64,
        () => threads(queries * dim.div_ceil(64)),
    };
    let dispatch = Dispatch::new(shader, buffers, params, groups);
    Ok(Dispatch { state: state.map(|s| (s, Access::Read)), ..dispatch })
}

/// What the flags of all attention kernels have in common.
pub(super) fn flags(spec: &Attention) -> u32 {
    u32::from(spec.causal) | u32::from(spec.past) << 1 | u32::from(spec.bias) << 2
}

/// The words of `Params` in `/shaders/shared/attention.wgsl` and `attention_grad.wgsl`.
pub(super) fn params(spec: &Attention, bias_strides: &[usize], sizes: [usize; 7], flags: u32) -> Vec<u32> {
    let mut params: Vec<u32> = bias_strides.iter().map(|s| *s as u32).collect();
    params.extend(sizes.map(|v| v as u32));
    let soft_cap = spec.soft_cap.unwrap_or(0.0);
    params.extend([flags, spec.window.map_or(u32::MAX, |w| w as u32), spec.scale.to_bits(), soft_cap.to_bits()]);
    params
}

/// The inputs `past` and `bias`, where the node has them.
fn optional(node: &Node, spec: &Attention) -> (Option<Port>, Option<Port>) {
    let past = spec.past.then(|| node.inputs[3]);
    let bias = spec.bias.then(|| node.inputs[3 + usize::from(spec.past)]);
    (past, bias)
}
