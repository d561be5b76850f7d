//! Products between values, either side transposed or not.

use graph::{Dim, Graph, MatMul, Node, Port, Side};

use super::rows::MOST_TURNS;
use super::sum_to::chunks;
use super::{Buffer, Context, Dispatch};
use crate::Error;
use crate::shaders::Shader;

/// Inner elements of a turn of the plain kernel.
const UNROLLED: usize = 4;

/// Edge of a tile.
const TILE: usize = 32;
/// Tiles that keep a large GPU busy: where a result has fewer and sums are long, these are cut into parts.
const BUSY: usize = 2048;
/// The most parts of a sum.
const PARTS: usize = 16;
/// The shortest part, and half of the shortest sum that is cut.
const PART: usize = 256;

/// Sums of parts, [parts, m, n], of a product that sums over rows: that of a weight's gradient.
pub(super) fn scratch(graph: &Graph, node: &Node, spec: &MatMul) -> Vec<Dim> {
    let shape = &node.outputs[0].shape;
    let inner = &graph.value(node.inputs[1]).shape;
    let (Some(elements), 2, Side::Transposed, Side::Plain) = (shape.elements().known(), shape.len(), spec.a, spec.b)
    else {
        return Vec::new();
    };
    if inner[0].known().is_some_and(|k| k < 2 * PART) {
        return Vec::new();
    }
    match parts(elements) {
        0 | 1 => Vec::new(),
        parts => vec![Dim::from(parts * elements)],
    }
}

/// Parts of the sums of a result with so many elements.
fn parts(elements: usize) -> usize {
    (BUSY / elements.div_ceil(TILE * TILE).max(1)).min(PARTS)
}

/// A weight's gradient on a large GPU: a batch of shorter products, then their sum.
fn in_parts(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    let (m, n) = context.rows_cols(out)?;
    let k = context.shape(node.inputs[1])?[0];
    let most = parts(m * n);
    let parts = (1..=most).rev().find(|parts| k.is_multiple_of(*parts) && k / parts >= PART).unwrap_or(1);
    let (a_row, a_k) = strides(Side::Transposed, m, k / parts);
    let (b_k, b_column) = strides(Side::Plain, k / parts, n);
    let params = [parts, m, k / parts, n, a_row, a_k, b_k, b_column].map(|v| v as u32).to_vec();
    let sums = Buffer::Scratch(out.node, 0);
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), sums];
    let tiles = (parts * m.div_ceil(TILE) * n.div_ceil(TILE)) as u64;
    let products = Dispatch::new(tiled(context), buffers, params, tiles);
    Ok(vec![products, chunks(parts, (m * n, m * n), 0).dispatch(sums, Buffer::Value(out), 1)])
}

fn tiled(context: &Context<'_>) -> Shader {
    if context.half() { Shader::MatmulTiledHalf } else { Shader::MatmulTiled }
}

pub(super) fn matmul(context: &Context<'_>, node: &Node, out: Port, spec: &MatMul) -> Result<Vec<Dispatch>, Error> {
    if context.wide() && context.values.scratch(out.node, 0).is_some() {
        return in_parts(context, node, out);
    }
    let (rows, n) = context.rows_cols(out)?;
    let (a, shape) = (context.shape(node.inputs[0])?, context.shape(out)?);
    let (m, last) = (shape[shape.len() - 2], &a[a.len() - 2..]);
    let k = if spec.a == Side::Plain { last[1] } else { last[0] };
    let batch = rows.checked_div(m).unwrap_or(0);
    let (a_row, a_k) = strides(spec.a, m, k);
    let (b_k, b_column) = strides(spec.b, k, n);
    let params = [batch, m, k, n, a_row, a_k, b_k, b_column].map(|v| v as u32).to_vec();
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    // The inner size in this run's shape class, by which kernels are chosen.
    let inner = context.class_axis(node.inputs[0], if spec.a == Side::Plain { 0 } else { 1 });
    if context.half() || context.wide() || inner / UNROLLED > MOST_TURNS {
        let tiles = batch * m.div_ceil(TILE) * n.div_ceil(TILE);
        return Ok(vec![Dispatch::new(tiled(context), buffers, params, tiles as u64)]);
    }
    let groups = (batch * m.div_ceil(4) * n.div_ceil(4)).div_ceil(16);
    Ok(vec![Dispatch::new(Shader::Matmul, buffers, params, groups as u64)])
}

/// The strides of the first and second axis of a matrix of the sizes that the product sees.
fn strides(side: Side, first: usize, second: usize) -> (usize, usize) {
    if side == Side::Plain { (second, 1) } else { (1, first) }
}
