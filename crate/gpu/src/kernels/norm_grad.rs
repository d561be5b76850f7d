//! The gradients of norms: a row at a time for x, sums over columns for what a norm multiplies by and adds.

use graph::{Dim, Graph, Node, Op, Port};

use super::rows::{by_rows, values};
use super::sum_to::chunks;
use super::{Buffer, Context, Dispatch, threads};
use crate::Error;
use crate::shaders::Shader;

/// Parts that the rows are cut into.
const CHUNKS: usize = 64;

/// What is subtracted from each row and its factor [rows, 2], and the sums of parts [CHUNKS, 1 or 2, C].
pub(super) fn scratch(graph: &Graph, node: &Node) -> Vec<Dim> {
    let shape = &graph.value(node.inputs[0]).shape;
    let (rows, cols) = shape.split_at(shape.len() - 1);
    let rows = rows.iter().cloned().fold(Dim::from(2), |a, b| a * b);
    vec![rows, cols[0].clone() * Dim::from(CHUNKS * (node.outputs.len() - 1))]
}

pub(super) fn norm_grad(context: &Context<'_>, node: &Node, out: Port, eps: f32) -> Result<Vec<Dispatch>, Error> {
    let (x, dy) = (node.inputs[0], node.inputs[2]);
    let (rows, cols) = context.rows_cols(x)?;
    let shaders = match node.op {
        Op::LayerNormGrad { .. } => (Shader::LayerNormGrad, Shader::LayerNormGradWide),
        _ => (Shader::RmsNormGrad, Shader::RmsNormGradWide),
    };
    let (per_row, sums) = (Buffer::Scratch(out.node, 0), Buffer::Scratch(out.node, 1));
    let mut buffers = values(&[x, node.inputs[1], dy, out]);
    buffers.push(per_row);
    let mut dispatches = vec![by_rows(context, shaders, x, buffers, &[eps.to_bits()])?];
    let parts = node.outputs.len() - 1;
    let params = [rows, cols, CHUNKS, parts - 1].map(|v| v as u32).to_vec();
    let buffers = vec![Buffer::Value(x), Buffer::Value(dy), per_row, sums];
    dispatches.push(Dispatch::new(Shader::NormGradColumns, buffers, params, threads(CHUNKS * cols)));
    for part in 0..parts {
        let sum = chunks(CHUNKS, (cols, parts * cols), part * cols);
        dispatches.push(sum.dispatch(sums, Buffer::Value(Port { output: 1 + part as u8, ..out }), 1));
    }
    Ok(dispatches)
}
