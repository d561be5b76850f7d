//! The graphs in f64 against the reference library: what the models compute is right.

use dynasty_tests::Executor;

use crate::Verdict;
use crate::fixture::{self, Fixture, relative_error};
use crate::written;

/// The reference computes in single precision.
const BOUND: f64 = 2e-5;

/// The name of an output in the reference library.
pub fn reference_name(name: &str) -> String {
    let (half, rest) = match name.split_once('.') {
        Some((half @ ("encoder" | "decoder" | "vision" | "mask_decoder"), rest)) => (format!("{half}_"), rest),
        _ => (String::new(), name),
    };
    let hidden = rest.strip_prefix("hidden.").map(|n| format!("{half}hidden_states.{n}"));
    let ends = |rest: &'_ str| rest.strip_suffix(".attn.probs").or(rest.strip_suffix(".probs")).map(str::to_string);
    let probs =
        || ends(rest.strip_prefix("blocks.")?).filter(|n| !n.contains('.')).map(|n| format!("{half}attentions.{n}"));
    let cross = || rest.strip_prefix("blocks.")?.strip_suffix(".cross.probs").map(|n| format!("cross_attentions.{n}"));
    hidden.or_else(probs).or_else(cross).unwrap_or_else(|| name.to_string())
}

#[test]
fn graphs_compute_what_the_reference_library_does() {
    let mut verdict = Verdict::default();
    for fixture in fixture::all() {
        check(&fixture, &mut verdict);
    }
    verdict.close("reference");
}

fn check(fixture: &Fixture, verdict: &mut Verdict) {
    let Some(package) = verdict.ok(&fixture.name, fixture.package()) else { return };
    let inputs = fixture.inputs();
    let (graph, given) = written::forward(&package, &inputs);
    let Some(weights) = verdict.ok(&fixture.name, written::weights(&package, &graph)) else { return };
    let played = written::play(Executor::Reference, &graph, &weights, &given);
    let Some(outputs) = verdict.ok(&fixture.name, played) else { return };
    for (name, wanted) in fixture.outputs() {
        let at = graph.outputs.iter().position(|output| reference_name(&output.name) == name);
        let mut found = at.map(|at| (outputs[at].shape.clone(), outputs[at].as_f32().unwrap().to_vec()));
        if let Some((shape, _)) = &mut found {
            fixture.shape_as_published(&name, shape);
        }
        let mask = fixture::mask(&inputs, &name);
        let error = found.map_or(f64::INFINITY, |found| relative_error(&name, &found, &wanted, mask.as_deref()));
        verdict.error(format!("{} {name}", fixture.name), error, BOUND);
    }
}
