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
}

fn linear_shader(format: Format, division: Division) -> Shader {
    let [thread, block, workgroup, tile] = match format {
        Format::F32 => [Shader::LinearF32, Shader::LinearF32Block, Shader::LinearWideF32, Shader::LinearTiledF32],
        Format::F16 => [Shader::LinearF16, Shader::LinearF16Block, Shader::LinearWideF16, Shader::LinearTiledF16],
        Format::Bf16 => [Shader::LinearBf16, Shader::LinearBf16Block, Shader::LinearWideBf16, Shader::LinearTiledBf16],
        Format::Q8_0 => [Shader::LinearQ80, Shader::LinearQ80Block, Shader::LinearWideQ80, Shader::LinearTiledQ80],
        Format::Q4_0 => [Shader::LinearQ40, Shader::LinearQ40Block, Shader::LinearWideQ40, Shader::LinearTiledQ40],
        Format::Q4K => [Shader::LinearQ4K, Shader::LinearQ4KBlock, Shader::LinearWideQ4K, Shader::LinearTiledQ4K],
        Format::Q6K => [Shader::LinearQ6K, Shader::LinearQ6KBlock, Shader::LinearWideQ6K, Shader::LinearTiledQ6K],
    };
    match division {
        Division::Thread => thread,
        Division::Block => block,
        Division::Workgroup => workgroup,
        Division::Tile => tile,
    }
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
        let rows = |(i, p): (usize, &Part)| {
            Rows { buffer: Buffer::Part(id, i), first: p.first, start: p.start, count: p.rows }
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
    let division = division(context, x, k);
    let shader = linear_shader(w.format, division);
    let dispatch = |rows: Rows| {
        let mut buffers = buffers.clone();
        buffers[1] = rows.buffer;
        let mut params = [m, k, rows.count, w.stride, rows.first, rows.start].map(|v| v as u32).to_vec();
        params.extend([ends[0] as u32, ends[1] as u32, width as u32, flag, act]);
        Dispatch::new(shader, buffers, params, groups(division, m, rows.count))
    };
    Ok(w.parts.into_iter().map(dispatch).collect())
}

fn division(context: &Context<'_>, x: Port, k: usize) -> Division {
    let rows = context.class_len(x) / k.max(1);
    match context.wide() {
        false if rows > 1 => Division::Block,
        false => Division::Thread,
        true if rows >= TILED_ROWS => Division::Tile,
        true => Division::Workgroup,
    }
}

fn groups(division: Division, m: usize, n: usize) -> u64 {
    let groups = match division {
        Division::Thread => (m * n.div_ceil(4)).div_ceil(16),
        Division::Block => (m.div_ceil(4) * n.div_ceil(4)).div_ceil(16),
        Division::Workgroup => m * n,
        Division::Tile => m.div_ceil(32) * n.div_ceil(32),
    };
    groups as u64
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
        Dispatch::new(shader, buffers, params, threads(n * k.div_ceil(4)))
    };
    Ok(table.parts.into_iter().map(dispatch).collect())
}

pub(super) fn matmul(context: &Context<'_>, node: &Node, out: Port) -> Result<Dispatch, Error> {
    let (rows, n) = context.rows_cols(out)?;
    let a = context.shape(node.inputs[0])?;
    let (m, k) = (a[a.len() - 2], a[a.len() - 1]);
    let batch = rows.checked_div(m).unwrap_or(0);
    let params = [batch, m, k, n].map(|v| v as u32).to_vec();
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Matmul, buffers, params, threads(rows * n)))
}
