//! Values that are moved and not changed.

use graph::{Node, Port};

use super::elementwise::merge;
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

pub(super) fn permute(context: &Context<'_>, node: &Node, out: Port, axes: &[usize]) -> Result<Dispatch, Error> {
    let shape = context.shape(node.inputs[0])?;
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let walked = axes.iter().map(|axis| (shape[*axis], [strides[*axis]]));
    let merged = merge(walked).ok_or_else(|| unsupported(node, out, "more than eight axes that do not merge"))?;
    let n: usize = shape.iter().product();
    let mut params = Vec::with_capacity(17);
    params.extend(merged.iter().map(|(size, _)| *size as u32));
    params.extend(merged.iter().map(|(_, strides)| strides[0] as u32));
    params.push(n as u32);
    Ok(Dispatch::new(Shader::Permute, vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)], params, threads(n)))
}

pub(super) fn slice(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    (axis, start, len): (usize, usize, usize),
) -> Result<Dispatch, Error> {
    let shape = context.shape(node.inputs[0])?;
    if start + len > shape[axis] {
        return Err(unsupported(node, out, format!("{start}..{} of axis {axis} of {shape:?}", start + len)));
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let n = shape[..axis].iter().product::<usize>() * len * inner;
    let params = [n, shape[axis], start, len, inner].map(|v| v as u32).to_vec();
    Ok(Dispatch::new(Shader::Slice, vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)], params, threads(n)))
}

pub(super) fn concat(context: &Context<'_>, node: &Node, out: Port, axis: usize) -> Result<Vec<Dispatch>, Error> {
    let size = context.shape(out)?[axis];
    let mut start = 0;
    let mut dispatches = Vec::with_capacity(node.inputs.len());
    for input in &node.inputs {
        let shape = context.shape(*input)?;
        let (len, n) = (shape[axis], shape.iter().product::<usize>());
        let inner: usize = shape[axis + 1..].iter().product();
        let params = [n, size, start, len, inner].map(|v| v as u32).to_vec();
        dispatches.push(Dispatch::new(
            Shader::Concat,
            vec![Buffer::Value(*input), Buffer::Value(out)],
            params,
            threads(n),
        ));
        start += len;
    }
    Ok(dispatches)
}
