//! A model as a graph with its inputs and weights, for executors that are played directly.

use std::sync::Arc;

use dynasty_tests::{Executor, Player, Stored};
use format::{Dtype, QuantType};
use graph::{Graph, Taps, Tensor};
use models::{Call, Mask};
use pollster::block_on;
use run::{DecoderInputs, Package};

/// Named inputs of a run.
pub type Inputs = Vec<(String, Tensor)>;

/// Every tap that a reference output belongs to.
pub fn all_taps() -> Taps {
    Taps::new(["hidden.*", "blocks.*.attn.probs"])
}

/// The graph for whole sequences and its inputs.
pub fn forward(package: &Package, given: &DecoderInputs) -> (Arc<Graph>, Inputs) {
    let shape = given.input_ids.shape.clone();
    let (b, t) = (shape[0], shape[1]);
    let counted = || Tensor::i32(shape.clone(), (0..t as i32).collect::<Vec<_>>().repeat(b)).unwrap();
    let positions = given.position_ids.clone().unwrap_or_else(counted);
    let longest = positions.as_i32().unwrap().iter().max().unwrap() + 1;
    let mut inputs = vec![("input_ids".to_string(), given.input_ids.clone()), ("position_ids".into(), positions)];
    if let Some(mask) = &given.attention_mask {
        let bias = mask.as_i32().unwrap().iter().map(|m| if *m == 0 { -1e30 } else { 0.0 }).collect();
        inputs.push(("mask_bias".into(), Tensor::f32([b, 1, 1, t], bias).unwrap()));
    }
    if let Some(inv_freq) = package.model.inv_freq(longest as usize) {
        inputs.push(("inv_freq".into(), Tensor::f32([inv_freq.len()], inv_freq).unwrap()));
    }
    let mask = if given.attention_mask.is_some() { Mask::Padding } else { Mask::None };
    (Arc::new(package.model.build(&Call::forward(mask), all_taps()).unwrap()), inputs)
}

/// The graph's weights as the checkpoint stores them; turned ones as floats.
pub fn weights(package: &Package, graph: &Graph) -> Result<Vec<Stored>, run::Error> {
    let found = package.find(graph)?;
    let one = |(spec, found): (&graph::WeightSpec, run::Found)| {
        let checkpoint = package.checkpoint();
        let (ty, data) = match checkpoint.tensor(&found.name).map(|info| info.dtype) {
            Some(Dtype::Quant(ty)) if !found.transpose => (ty, block_on(checkpoint.read(&found.name))?),
            _ => (QuantType::F32, turned(&block_on(checkpoint.read_f32(&found.name))?, found.transpose)),
        };
        Ok(Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty, data })
    };
    graph.weights.iter().zip(found).map(one).collect()
}

fn turned((shape, values): &(Vec<usize>, Vec<f32>), transpose: bool) -> Vec<u8> {
    let mut out = Vec::new();
    match (transpose, shape.as_slice()) {
        (true, [rows, cols]) => {
            let turned: Vec<f32> = (0..*cols).flat_map(|c| (0..*rows).map(move |r| values[r * cols + c])).collect();
            format::encode(QuantType::F32, &turned, &mut out).unwrap();
        }
        _ => format::encode(QuantType::F32, values, &mut out).unwrap(),
    }
    out
}

/// Runs a graph once.
pub fn play(
    executor: Executor,
    graph: &Arc<Graph>,
    weights: &[Stored],
    inputs: &Inputs,
) -> Result<Vec<Tensor>, String> {
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    Player::new(executor, graph, weights, (1, 1))?.run(&inputs)
}
