//! Products with weights and between activations, and rows of tables.

use graph::{Node, NodeId, Op, Port};

use super::elementwise::act_code;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::repack::Format;
use crate::shaders::Shader;
use crate::weights::Part;

/// From this many rows of x on, tiles pay.
const TILED_ROWS: usize = 8;

/// How the work of a product is divided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Division {
    /// A thread for one row of x and four of w.
    Thread,
    /// A thread for four rows of x and four of w.
    Block,
    /// A workgroup for one row of x and one of w.
    Workgroup,
    /// A workgroup for a tile.
    Tile,
    /// A workgroup for a tile of 16-bit floats.
    HalfTile,
}

/// The kernels of one format: by thread, block, workgroup and tile.
type Family = [Shader; 4];

fn linear_shader(format: Format, division: Division, gated: bool) -> Shader {
    if division == Division::HalfTile {
        return if gated { Shader::LinearTiledF32HalfGated } else { Shader::LinearTiledF32Half };
    }
    let (single, pair) = families(format);
    let family = if gated { pair } else { single };
    family[match division {
        Division::Thread => 0,
        Division::Block => 1,
        Division::Workgroup => 2,
        Division::Tile | Division::HalfTile => 3,
    }]
}

/// The kernels of a format, and those that run a gate and what it gates as one.
fn families(format: Format) -> (Family, Family) {
    use Shader as S;
    match format {
        Format::F32 => (
            [S::LinearF32, S::LinearF32Block, S::LinearWideF32, S::LinearTiledF32],
            [S::LinearF32Gated, S::LinearF32BlockGated, S::LinearWideF32Gated, S::LinearTiledF32Gated],
        ),
        Format::F16 => (
            [S::LinearF16, S::LinearF16Block, S::LinearWideF16, S::LinearTiledF16],
            [S::LinearF16Gated, S::LinearF16BlockGated, S::LinearWideF16Gated, S::LinearTiledF16Gated],
        ),
        Format::Bf16 => (
            [S::LinearBf16, S::LinearBf16Block, S::LinearWideBf16, S::LinearTiledBf16],
            [S::LinearBf16Gated, S::LinearBf16BlockGated, S::LinearWideBf16Gated, S::LinearTiledBf16Gated],
        ),
        Format::Q8_0 => (
            [S::LinearQ80, S::LinearQ80Block, S::LinearWideQ80, S::LinearTiledQ80],
            [S::LinearQ80Gated, S::LinearQ80BlockGated, S::LinearWideQ80Gated, S::LinearTiledQ80Gated],
        ),
        Format::Q4_0 => (
            [S::LinearQ40, S::LinearQ40Block, S::LinearWideQ40, S::LinearTiledQ40],
            [S::LinearQ40Gated, S::LinearQ40BlockGated, S::LinearWideQ40Gated, S::LinearTiledQ40Gated],
        ),
        Format::Q4K => (
            [S::LinearQ4K, S::LinearQ4KBlock, S::LinearWideQ4K, S::LinearTiledQ4K],
            [S::LinearQ4KGated, S::LinearQ4KBlockGated, S::LinearWideQ4KGated, S::LinearTiledQ4KGated],
        ),
        Format::Q6K => (
            [S::LinearQ6K, S::LinearQ6KBlock, S::LinearWideQ6K, S::LinearTiledQ6K],
            [S::LinearQ6KGated, S::LinearQ6KBlockGated, S::LinearWideQ6KGated, S::LinearTiledQ6KGated],
        ),
    }
}

/// A dispatch that reads this many rows of weights.
fn reading(dispatch: Dispatch, rows: usize, stride: usize) -> Dispatch {
    Dispatch { weight_bytes: 4 * (rows * stride) as u64, ..dispatch }
}

/// Some rows of a matrix in one buffer.
struct Rows {
    buffer: Buffer,
    /// The first row in the buffer.
    first: usize,
    /// The first row in the matrix.
    start: usize,
    count: usize,
}

/// The rows of a matrix: the parts of a weight, or a value as one part.
struct Matrix {
    format: Format,
    stride: usize,
    parts: Vec<Rows>,
}

fn matrix(context: &Context<'_>, port: Port) -> Result<Matrix, Error> {
    if let Some((id, weight)) = context.weight(port) {
        let rows = |(i, p): (usize, &Part)| Rows {
            buffer: Buffer::Part(id, i),
            first: p.first,
            start: p.start,
            count: p.rows,
        };
        let parts = weight.parts.iter().enumerate().map(rows).collect();
        return Ok(Matrix { format: weight.format, stride: weight.stride, parts });
    }
    let (count, cols) = context.rows_cols(port)?;
    let parts = vec![Rows { buffer: Buffer::Value(port), first: 0, start: 0, count }];
    Ok(Matrix { format: Format::F32, stride: cols, parts })
}

/// One projection, or up to three of the same value whose weights lie behind each other.
pub(super) fn linear(context: &Context<'_>, ids: &[NodeId]) -> Result<Vec<Dispatch>, Error> {
    let node = context.graph.node(ids[0]);
    let x = node.inputs[0];
    let (m, k) = context.rows_cols(x)?;
    let outs: Vec<Port> = ids.iter().map(|id| Port { node: *id, output: 0 }).collect();
    let mut ends = Vec::with_capacity(3);
    for out in &outs {
        ends.push(ends.last().copied().unwrap_or(0) + context.rows_cols(*out)?.1);
    }
    let width = ends.last().copied().unwrap_or(0);
    ends.resize(3, width);
    let mut w = matrix(context, node.inputs[1])?;
    if let ([_, _, ..], [rows]) = (ids, &mut w.parts[..]) {
        rows.count = width;
    }
    let act = match node.op {
        Op::Linear { act, .. } => act_code(act),
        _ => return Err(unsupported(node, outs[0], "is fused as a projection")),
    };
    let (added, flag) = match (node.inputs.get(2), ids) {
        (None, _) => (Buffer::Nothing, 0),
        (Some(port), [_]) => (Buffer::Value(*port), 1),
        (Some(_), _) => (Buffer::Bias(ids[0]), 1),
    };
    let mut buffers = vec![Buffer::Value(x), Buffer::Nothing, added];
    buffers.extend(outs.iter().copied().map(Buffer::Value));
    buffers.extend((outs.len()..3).map(|i| Buffer::Nowhere(i as u64 - 1)));
    let division = division(context, x, k, w.format);
    let shader = linear_shader(w.format, division, false);
    let dispatch = |rows: Rows| {
        let mut buffers = buffers.clone();
        buffers[1] = rows.buffer;
        let mut params = [m, k, rows.count, w.stride, rows.first, rows.start].map(|v| v as u32).to_vec();
        params.extend([ends[0] as u32, ends[1] as u32, width as u32, flag, act]);
        let dispatch = Dispatch::new(shader, buffers, params, groups(division, m, rows.count, 4));
        reading(dispatch, rows.count, w.stride)
    };
    Ok(w.parts.into_iter().map(dispatch).collect())
}

fn division(context: &Context<'_>, x: Port, k: usize, format: Format) -> Division {
    let rows = context.class_len(x) / k.max(1);
    if context.half() && format == Format::F32 && rows >= TILED_ROWS {
        return Division::HalfTile;
    }
    match context.wide() {
        false if rows > 1 => Division::Block,
        false => Division::Thread,
        true if rows >= TILED_ROWS => Division::Tile,
        true => Division::Workgroup,
    }
}

/// Workgroups for `n` columns of `m` rows, `columns` to a thread's block.
fn groups(division: Division, m: usize, n: usize, columns: usize) -> u64 {
    let groups = match division {
        Division::Thread => (m * n.div_ceil(columns)).div_ceil(16),
        Division::Block => (m.div_ceil(4) * n.div_ceil(columns)).div_ceil(16),
        Division::Workgroup => m * n.div_ceil(columns),
        Division::Tile | Division::HalfTile => m.div_ceil(32) * n.div_ceil(8 * columns),
    };
    groups as u64
}

/// `act(gate) * up` of two projections of one value whose weights lie behind each other.
pub(super) fn gated(context: &Context<'_>, [gate, up]: [NodeId; 2], gated: NodeId) -> Result<Dispatch, Error> {
    let node = context.graph.node(gate);
    let out = Port { node: gated, output: 0 };
    let x = node.inputs[0];
    let (m, k) = context.rows_cols(x)?;
    let (_, n) = context.rows_cols(out)?;
    let w = matrix(context, node.inputs[1])?;
    let (Op::Gated(spec), [rows]) = (&context.graph.node(gated).op, &w.parts[..]) else {
        return Err(unsupported(context.graph.node(up), out, "is fused as what a gate gates"));
    };
    let (added, flag) = match node.inputs.len() {
        3 => (Buffer::Bias(gate), 1),
        _ => (Buffer::Nothing, 0),
    };
    let division = division(context, x, k, w.format);
    let mut params = [m, k, n, w.stride, rows.first, 0, n, n, n].map(|v| v as u32).to_vec();
    params.extend([flag, act_code(Some(spec.act))]);
    let buffers = vec![Buffer::Value(x), rows.buffer, added, Buffer::Value(out)];
    let shader = linear_shader(w.format, division, true);
    Ok(reading(Dispatch::new(shader, buffers, params, groups(division, m, n, 2)), 2 * n, w.stride))
}

/// The kernel that gathers rows of a format; one for any four-byte values.
pub(crate) fn gather_shader(format: Format) -> Shader {
    match format {
        Format::F32 => Shader::GatherRows,
        Format::F16 => Shader::GatherRowsF16,
        Format::Bf16 => Shader::GatherRowsBf16,
        Format::Q8_0 => Shader::GatherRowsQ80,
        Format::Q4_0 => Shader::GatherRowsQ40,
        Format::Q4K => Shader::GatherRowsQ4K,
        Format::Q6K => Shader::GatherRowsQ6K,
    }
}

pub(super) fn gather_rows(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    let (n, k) = context.rows_cols(out)?;
    let (rows, _) = context.rows_cols(node.inputs[0])?;
    let table = matrix(context, node.inputs[0])?;
    let shader = gather_shader(table.format);
    let dispatch = |part: Rows| {
        let params = [n, k, rows, table.stride, part.first, part.start, part.count].map(|v| v as u32).to_vec();
        let buffers = vec![part.buffer, Buffer::Value(node.inputs[1]), Buffer::Value(out)];
        reading(Dispatch::new(shader, buffers, params, threads(n * k.div_ceil(4))), n.min(part.count), table.stride)
    };
    Ok(table.parts.into_iter().map(dispatch).collect())
}
