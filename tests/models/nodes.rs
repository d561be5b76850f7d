//! Node by node: the first value at which an executor differs from the reference.

use std::sync::Arc;

use dynasty_tests::Executor;

use crate::Verdict;
use crate::fixture;
use crate::written;

/// Normalised mean squared error after a whole small model in single precision; an error of 1e-4 a value.
const BOUND: f64 = 1e-8;

#[test]
fn every_node_on_every_executor() {
    let mut verdict = Verdict::default();
    for fixture in fixture::all() {
        let Some(package) = verdict.ok(&fixture.name, fixture.package()) else { continue };
        let (graph, inputs) = written::forward(&package, &fixture.inputs());
        let graph = Arc::new(graph.observed());
        let Some(weights) = verdict.ok(&fixture.name, written::weights(&package, &graph)) else { continue };
        let wanted = written::play(Executor::Reference, &graph, &weights, &inputs);
        let Some(wanted) = verdict.ok(&fixture.name, wanted) else { continue };
        for executor in Executor::TESTED {
            let what = format!("{} on {executor}", fixture.name);
            let Some(found) = verdict.ok(&what, written::play(executor, &graph, &weights, &inputs)) else { continue };
            let first = graph::compare(&graph, &found, &wanted, BOUND);
            verdict.holds(&what, first.is_none(), || format!("differs first at {first:?}"));
        }
    }
    verdict.close("node by node");
}
