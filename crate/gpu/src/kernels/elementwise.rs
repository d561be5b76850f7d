//! Elementwise functions of one and two values.

use graph::{Act, BinaryOp, Dropout, Gate, Node, Port, UnaryOp};

use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

/// The number of an activation in `/shaders/shared/act.wgsl`; 0 is none.
pub(super) fn act_code(act: Option<Act>) -> u32 {
    match act {
        None => 0,
        Some(Act::Relu) => 1,
        Some(Act::Silu) => 2,
        Some(Act::Gelu) => 3,
        Some(Act::GeluTanh) => 4,
        Some(Act::QuickGelu) => 5,
        Some(Act::Sigmoid) => 6,
        Some(Act::Tanh) => 7,
    }
}

fn unary_code(op: UnaryOp) -> u32 {
    match op {
        UnaryOp::Act(act) => act_code(Some(act)),
        UnaryOp::Neg => 16,
        UnaryOp::Exp => 17,
        UnaryOp::Log => 18,
        UnaryOp::Square => 19,
        UnaryOp::Sqrt => 20,
        UnaryOp::Recip => 21,
        UnaryOp::Cos => 22,
        UnaryOp::Sin => 23,
    }
}

fn binary_code(op: BinaryOp) -> u32 {
    match op {
        BinaryOp::Add => 0,
        BinaryOp::Sub => 1,
        BinaryOp::Mul => 2,
        BinaryOp::Div => 3,
        BinaryOp::Max => 4,
        BinaryOp::Min => 5,
        BinaryOp::Ge => 6,
    }
}

fn len(context: &Context<'_>, port: Port) -> Result<usize, Error> {
    Ok(context.shape(port)?.iter().product())
}

pub(super) fn unary(context: &Context<'_>, node: &Node, out: Port, op: UnaryOp) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Unary, buffers, vec![n as u32, unary_code(op)], threads(n)))
}

pub(super) fn affine(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    factor: f32,
    offset: f32,
) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Affine, buffers, vec![n as u32, factor.to_bits(), offset.to_bits()], threads(n)))
}

pub(super) fn gated(context: &Context<'_>, node: &Node, out: Port, gate: Gate) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Gated, buffers, vec![n as u32, act_code(Some(gate.act))], threads(n)))
}

pub(super) fn unary_grad(context: &Context<'_>, node: &Node, out: Port, op: UnaryOp) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::UnaryGrad, buffers, vec![n as u32, unary_code(op)], threads(n)))
}

pub(super) fn gated_grad(context: &Context<'_>, node: &Node, out: Port, gate: Gate) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let outs = [out, Port { output: 1, ..out }];
    let buffers = node.inputs.iter().copied().chain(outs).map(Buffer::Value).collect();
    Ok(Dispatch::new(Shader::GatedGrad, buffers, vec![n as u32, act_code(Some(gate.act))], threads(n)))
}

pub(super) fn dropout(context: &Context<'_>, node: &Node, out: Port, dropout: Dropout) -> Result<Dispatch, Error> {
    let n = len(context, out)?;
    let limit = (f64::from(dropout.rate) * 4_294_967_296.0) as u32;
    let factor = (1.0 / (1.0 - f64::from(dropout.rate))) as f32;
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    let params = vec![n as u32, dropout.salt, limit, factor.to_bits()];
    Ok(Dispatch::new(Shader::Dropout, buffers, params, threads(n)))
}

pub(super) fn binary(context: &Context<'_>, node: &Node, out: Port, op: BinaryOp) -> Result<Dispatch, Error> {
    let sizes = context.shape(out)?;
    let n: usize = sizes.iter().product();
    let a = strides(&context.shape(node.inputs[0])?, sizes.len());
    let b = strides(&context.shape(node.inputs[1])?, sizes.len());
    let axes = sizes.iter().zip(a.iter().zip(&b)).map(|(size, (a, b))| (*size, [*a, *b]));
    let axes = merge(axes).ok_or_else(|| unsupported(node, out, "more than eight axes that do not merge"))?;
    let mut params = Vec::with_capacity(26);
    params.extend(axes.iter().map(|(size, _)| *size as u32));
    params.extend(axes.iter().map(|(_, strides)| strides[0] as u32));
    params.extend(axes.iter().map(|(_, strides)| strides[1] as u32));
    params.extend([n as u32, binary_code(op)]);
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Binary, buffers, params, threads(n)))
}

/// Strides of `shape` for each axis of a result of `rank` axes; 0 where it broadcasts.
pub(super) fn strides(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut strides = vec![0; rank];
    let mut stride = 1;
    let missing = rank.saturating_sub(shape.len());
    for (axis, size) in shape.iter().enumerate().rev() {
        strides[missing + axis] = if *size == 1 { 0 } else { stride };
        stride *= size;
    }
    strides
}

/// Eight axes, outermost first, after dropping those of size 1 and joining neighbours that are walked as one.
pub(super) fn merge<const N: usize>(
    axes: impl Iterator<Item = (usize, [usize; N])>,
) -> Option<[(usize, [usize; N]); 8]> {
    let mut merged: Vec<(usize, [usize; N])> = Vec::new();
    for (size, strides) in axes.filter(|(size, _)| *size != 1) {
        match merged.last_mut() {
            Some((outer, outer_strides)) if (0..N).all(|i| outer_strides[i] == strides[i] * size) => {
                *outer *= size;
                *outer_strides = strides;
            }
            _ => merged.push((size, strides)),
        }
    }
    let mut out = [(1, [0; N]); 8];
    let start = 8usize.checked_sub(merged.len())?;
    out[start..].copy_from_slice(&merged);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_walked_as_one_are_joined() {
        let target = [2, 3, 4];
        let (a, b) = (strides(&[2, 3, 4], 3), strides(&[4], 3));
        assert_eq!((a.as_slice(), b.as_slice()), (&[12, 4, 1][..], &[0, 0, 1][..]));
        let axes = target.iter().zip(a.iter().zip(&b)).map(|(size, (a, b))| (*size, [*a, *b]));
        assert_eq!(merge(axes).unwrap()[6..], [(6, [4, 0]), (4, [1, 1])]);
    }
}
