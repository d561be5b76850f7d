//! A model as a graph with its inputs and weights, for executors that are played directly.

use std::sync::Arc;

use dynasty_tests::{Executor, Player, Stored};
use format::{Dtype, QuantType};
use graph::{Graph, Taps, Tensor};
use pollster::block_on;
use run::{ForwardInputs, Package};

/// Named inputs of a run.
pub type Inputs = Vec<(String, Tensor)>;

/// Every tap that a reference output belongs to.
pub fn all_taps() -> Taps {
    Taps::new(["*hidden.*", "*blocks.*.probs"])
}

/// The graph for whole sequences and its inputs.
pub fn forward(package: &Package, given: &ForwardInputs) -> (Arc<Graph>, Inputs) {
    let (call, inputs) = given.bind(&package.model).unwrap();
    (Arc::new(package.model.build(&call, all_taps()).unwrap()), inputs)
}

/// The graph's weights as the checkpoint stores them; turned ones as floats.
pub fn weights(package: &Package, graph: &Graph) -> Result<Vec<Stored>, run::Error> {
    let found = package.find(graph)?;
    let one = |(spec, found): (&graph::WeightSpec, run::Found)| {
        let checkpoint = package.checkpoint();
        let dtype = checkpoint.tensor(&found.name).map(|info| info.dtype);
        let (ty, data) = match (dtype, found.stored, &found.rows) {
            (Some(Dtype::Quant(ty)), graph::Stored::AsDeclared, None) => (ty, block_on(checkpoint.read(&found.name))?),
            (Some(Dtype::Quant(ty)), graph::Stored::AsDeclared, Some(rows)) => {
                (ty, block_on(checkpoint.read_rows(&found.name, rows.clone()))?)
            }
            _ => (QuantType::F32, changed(&block_on(checkpoint.read_f32(&found.name))?, found.stored, &spec.shape)),
        };
        Ok(Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty, data })
    };
    graph.weights.iter().zip(found).map(one).collect()
}

fn changed((_, values): &(Vec<usize>, Vec<f32>), stored: graph::Stored, seen: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let changed = stored.loaded(seen, values.clone());
    format::encode(QuantType::F32, &changed, &mut out).unwrap();
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
