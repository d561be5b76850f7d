//! Products between values, either side transposed or not.

use graph::{MatMul, Node, Port, Side};

use super::rows::MOST_TURNS;
use super::{Buffer, Context, Dispatch};
use crate::Error;
use crate::shaders::Shader;

/// Inner elements of a turn of the plain kernel.
const UNROLLED: usize = 4;

pub(super) fn matmul(context: &Context<'_>, node: &Node, out: Port, spec: &MatMul) -> Result<Dispatch, Error> {
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
        let tiles = batch * m.div_ceil(32) * n.div_ceil(32);
        let shader = if context.half() { Shader::MatmulTiledHalf } else { Shader::MatmulTiled };
        return Ok(Dispatch::new(shader, buffers, params, tiles as u64));
    }
    let groups = (batch * m.div_ceil(4) * n.div_ceil(4)).div_ceil(16);
    Ok(Dispatch::new(Shader::Matmul, buffers, params, groups as u64))
}

/// The strides of the first and second axis of a matrix of the sizes that the product sees.
fn strides(side: Side, first: usize, second: usize) -> (usize, usize) {
    if side == Side::Plain { (second, 1) } else { (1, first) }
}
