//! Windows that slide over pictures.

use graph::{Act, Bias, Node, Port, Window};

use super::elementwise::act_code;
use super::{Buffer, Context, Dispatch, threads};
use crate::Error;
use crate::shaders::Shader;

/// The words of `Params` in `/shaders/shared/window.wgsl`: pictures [B, H, W, C], places [B, H', W', ..].
fn words(window: &Window, n: usize, picture: &[usize], places: &[usize]) -> Vec<u32> {
    let sizes = [n, picture[1], picture[2], picture[3], places[1], places[2]];
    let pairs = [window.kernel, window.stride, window.padding, window.dilation];
    sizes.into_iter().chain(pairs.into_iter().flatten()).map(|v| v as u32).collect()
}

pub(super) fn unfold(context: &Context<'_>, node: &Node, out: Port, window: &Window) -> Result<Dispatch, Error> {
    let (picture, places) = (context.shape(node.inputs[0])?, context.shape(out)?);
    let n = places.iter().product();
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Unfold, buffers, words(window, n, &picture, &places), threads(n)))
}

pub(super) fn fold(context: &Context<'_>, node: &Node, out: Port, window: &Window) -> Result<Dispatch, Error> {
    let (picture, places) = (context.shape(out)?, context.shape(node.inputs[0])?);
    let n = picture.iter().product();
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Fold, buffers, words(window, n, &picture, &places), threads(n)))
}

pub(super) fn depthwise(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    (window, bias, act): (&Window, Bias, Option<Act>),
) -> Result<Dispatch, Error> {
    let (picture, places) = (context.shape(node.inputs[0])?, context.shape(out)?);
    let n = places.iter().product();
    let mut params = words(window, n, &picture, &places);
    params.extend([u32::from(bias == Bias::Add), act_code(act)]);
    let bias = if bias == Bias::Add { Buffer::Value(node.inputs[2]) } else { Buffer::Nothing };
    let buffers = vec![Buffer::Value(node.inputs[0]), Buffer::Value(node.inputs[1]), bias, Buffer::Value(out)];
    Ok(Dispatch::new(Shader::Depthwise, buffers, params, threads(n)))
}
