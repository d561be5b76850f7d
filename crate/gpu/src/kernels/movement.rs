//! Values that are moved and not changed.

use graph::{Dim, Node, Port};

use super::elementwise::{merge, strides};
use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;
use crate::values::Home;

/// Another shape needs a dispatch only where it is a copy of a weight that will change.
pub(super) fn reshape(context: &Context<'_>, node: &Node, out: Port) -> Result<Vec<Dispatch>, Error> {
    let homes = (context.values.home(node.inputs[0]), context.values.home(out));
    if !matches!(homes, (Some(Home::Weight(_)), Some(Home::Slot(_)))) {
        return Ok(Vec::new());
    }
    let n: usize = context.shape(out)?.iter().product();
    let params = [n, n, 0, n, 1].map(|v| v as u32).to_vec();
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)];
    Ok(vec![Dispatch::new(Shader::Slice, buffers, params, threads(n))])
}

/// A permutation's kernel, with strides of 0 along the axes that repeat.
pub(super) fn expand(context: &Context<'_>, node: &Node, out: Port) -> Result<Dispatch, Error> {
    let sizes = context.shape(out)?;
    let strides = strides(&context.shape(node.inputs[0])?, sizes.len());
    walk(node, out, sizes.into_iter().zip(strides.into_iter().map(|stride| [stride])))
}

pub(super) fn permute(context: &Context<'_>, node: &Node, out: Port, axes: &[usize]) -> Result<Dispatch, Error> {
    let shape = context.shape(node.inputs[0])?;
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    walk(node, out, axes.iter().map(|axis| (shape[*axis], [strides[*axis]])))
}

/// A result whose elements lie at the given strides of the input.
fn walk(node: &Node, out: Port, axes: impl Iterator<Item = (usize, [usize; 1])> + Clone) -> Result<Dispatch, Error> {
    let n: usize = axes.clone().map(|(size, _)| size).product();
    let merged = merge(axes).ok_or_else(|| unsupported(node, out, "more than eight axes that do not merge"))?;
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
    axis: usize,
    start: &Dim,
) -> Result<Dispatch, Error> {
    let (shape, start, len) = (context.shape(node.inputs[0])?, start.eval(context.symbols)?, context.shape(out)?[axis]);
    if start + len > shape[axis] {
        return Err(unsupported(node, out, format!("{start}..{} of axis {axis} of {shape:?}", start + len)));
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let n = shape[..axis].iter().product::<usize>() * len * inner;
    let params = [n, shape[axis], start, len, inner].map(|v| v as u32).to_vec();
    Ok(Dispatch::new(Shader::Slice, vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)], params, threads(n)))
}

pub(super) fn pad(context: &Context<'_>, node: &Node, out: Port, axis: usize, start: &Dim) -> Result<Dispatch, Error> {
    let (shape, padded, start) = (context.shape(node.inputs[0])?, context.shape(out)?, start.eval(context.symbols)?);
    if start + shape[axis] > padded[axis] {
        return Err(unsupported(node, out, format!("axis {axis} of {shape:?} at {start} does not fit {padded:?}")));
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let n: usize = padded.iter().product();
    let params = [n, padded[axis], start, shape[axis], inner].map(|v| v as u32).to_vec();
    Ok(Dispatch::new(Shader::Pad, vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)], params, threads(n)))
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
