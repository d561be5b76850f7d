//! Losses and their gradients.

use graph::{Node, Port};

use super::rows::{by_rows, values};
use super::{Context, Dispatch, threads};
use crate::Error;
use crate::shaders::Shader;

pub(super) fn softmax_cross_entropy(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    smoothing: f32,
) -> Result<Dispatch, Error> {
    let shaders = (Shader::SoftmaxCrossEntropy, Shader::SoftmaxCrossEntropyWide);
    let buffers = values(&[node.inputs[0], node.inputs[1], out, Port { output: 1, ..out }]);
    by_rows(context, shaders, node.inputs[0], buffers, &[smoothing.to_bits()])
}

pub(super) fn softmax_cross_entropy_grad(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    smoothing: f32,
) -> Result<Dispatch, Error> {
    let (rows, cols) = context.rows_cols(out)?;
    let buffers = values(&[&node.inputs[..], &[out]].concat());
    let params = vec![rows as u32, cols as u32, smoothing.to_bits()];
    Ok(Dispatch::new(Shader::SoftmaxCrossEntropyGrad, buffers, params, threads(rows * cols)))
}
