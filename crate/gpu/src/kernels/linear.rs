//! Products with weights and between activations, and rows of tables.

use graph::{Act, Bias, Node, Port, WeightId};

use super::elementwise::act_code;
use super::{Buffer, Context, Dispatch, threads};
use crate::Error;
use crate::repack::Format;
use crate::shaders::Shader;

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

/// The rows of a matrix: the parts of a weight, or a value as one part.
struct Matrix {
    format: Format,
    stride: usize,
    parts: Vec<(Buffer, usize, usize)>,
}

fn matrix(context: &Context<'_>, port: Port) -> Result<Matrix, Error> {
    let part = |id: WeightId, i: usize, start: usize, rows: usize| (Buffer::Part(id, i), start, rows);
    if let Some((id, weight)) = context.weight(port) {
        let parts = weight.parts.iter().enumerate().map(|(i, p)| part(id, i, p.start, p.rows)).collect();
        return Ok(Matrix { format: weight.format, stride: weight.stride, parts });
    }
    let (rows, cols) = context.rows_cols(port)?;
    Ok(Matrix { format: Format::F32, stride: cols, parts: vec![(Buffer::Value(port), 0, rows)] })
}

pub(super) fn linear(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    bias: Bias,
    act: Option<Act>,
) -> Result<Vec<Dispatch>, Error> {
    let x = node.inputs[0];
    let (m, k) = context.rows_cols(x)?;
    let (_, width) = context.rows_cols(out)?;
    let class_m = context.class_len(x) / k.max(1);
    let division = match context.wide() {
        false if class_m > 1 => Division::Block,
        false => Division::Thread,
        true if class_m >= TILED_ROWS => Division::Tile,
        true => Division::Workgroup,
    };
    let (added, flag) = match bias {
        Bias::None => (Buffer::Nothing, 0),
        Bias::Add => (Buffer::Value(node.inputs[2]), 1),
    };
    let w = matrix(context, node.inputs[1])?;
    let shader = linear_shader(w.format, division);
    let dispatch = |(part, start, n): (Buffer, usize, usize)| {
        let mut params = [m, k, n, w.stride, start, width].map(|v| v as u32).to_vec();
        params.extend([flag, act_code(act)]);
        let groups = match division {
            Division::Thread => (m * n.div_ceil(4)).div_ceil(16) as u64,
            Division::Block => (m.div_ceil(4) * n.div_ceil(4)).div_ceil(16) as u64,
            Division::Workgroup => (m * n) as u64,
            Division::Tile => (m.div_ceil(32) * n.div_ceil(32)) as u64,
        };
        Dispatch::new(shader, vec![Buffer::Value(x), part, added, Buffer::Value(out)], params, groups)
    };
    Ok(w.parts.into_iter().map(dispatch).collect())
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
    let dispatch = |(part, start, count): (Buffer, usize, usize)| {
        let params = [n, k, rows, table.stride, start, count].map(|v| v as u32).to_vec();
        let buffers = vec![part, Buffer::Value(node.inputs[1]), Buffer::Value(out)];
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
