//! Changes of weights in place.

use std::collections::BTreeSet;

use graph::{Node, Port, Update, WeightId};

use super::{Buffer, Context, Dispatch, threads, unsupported};
use crate::Error;
use crate::shaders::Shader;

pub(super) fn update(
    context: &Context<'_>,
    node: &Node,
    out: Port,
    (rule, weights): (Update, &[WeightId]),
) -> Result<Dispatch, Error> {
    // No dispatch binds a buffer both for reading and for writing, nor twice for writing.
    let read = node.inputs.iter().filter_map(|port| context.weight(*port)).map(|(id, _)| id);
    let mut apart = BTreeSet::new();
    if !weights.iter().all(|id| apart.insert(*id)) || read.into_iter().any(|id| weights.contains(&id)) {
        return Err(unsupported(node, out, "changes a weight by itself; copy it first"));
    }
    let n: usize = context.shape(node.inputs[0])?.iter().product();
    let (shader, kind, numbers) = match rule {
        Update::Assign => (Shader::Update, 0, [0.0; 3]),
        Update::Add => (Shader::Update, 1, [0.0; 3]),
        Update::Ema => (Shader::Update, 2, [0.0; 3]),
        Update::Sgd { .. } if weights.len() == 1 => (Shader::Update, 3, [0.0; 3]),
        Update::Sgd { momentum } => (Shader::UpdateMomentum, 3, [momentum, 0.0, 0.0]),
        Update::AdamW { beta1, beta2, eps } => (Shader::UpdateAdamw, 3, [beta1, beta2, eps]),
    };
    let mut buffers: Vec<Buffer> = node.inputs.iter().copied().map(Buffer::Value).collect();
    buffers.resize(3, Buffer::Nothing);
    buffers.extend(weights.iter().map(|id| Buffer::Part(*id, 0)));
    let mut params = vec![n as u32, kind];
    params.extend(numbers.map(f32::to_bits));
    Ok(Dispatch::new(shader, buffers, params, threads(n)))
}
