//! A model as a graph with its inputs and weights, for executors that are played directly.

use std::sync::Arc;

pub use dynasty_tests::fixture::weights;
use dynasty_tests::{Executor, Player, Stored};
use graph::{Graph, Taps, Tensor};
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
