//! One case: a loss over weights, whose gradients are known three ways.

use std::sync::Arc;

use dynasty_tests::{Executor, Numbers, Player, Stored};
use format::QuantType;
use graph::{Builder, Checkpointing, Graph, Reduce, Taps, Tensor, Training, Var, compare};

/// The largest normalised squared error on an executor in single precision.
const SINGLE: f64 = 1e-9;

/// A case while it is written.
pub struct Draft<'g> {
    /// Writes the graph.
    pub g: &'g Builder,
}

impl<'g> Draft<'g> {
    /// A weight of about normal values, which gets a gradient.
    pub fn weight<const R: usize>(&self, name: &str, shape: [usize; R]) -> Var<'g> {
        self.g.weights().at(name).weight(shape)
    }

    /// Fixed integers.
    pub fn integers<const R: usize>(&self, shape: [usize; R], values: &[i32]) -> Var<'g> {
        self.g.constant(Tensor::i32(shape, values.to_vec()).unwrap())
    }

    /// Fixed floats.
    pub fn floats<const R: usize>(&self, shape: [usize; R], values: &[f32]) -> Var<'g> {
        self.g.constant(Tensor::f32(shape, values.to_vec()).unwrap())
    }

    /// One number that depends on every element of a value in another way.
    pub fn mixed(&self, y: Var<'g>) -> Var<'g> {
        let n = y.shape().elements().known().unwrap();
        let factors: Vec<f32> = Numbers::new(n as u64).normals(n);
        (y.reshape([n]) * self.floats([n], &factors)).reduce(Reduce::Sum)
    }
}

/// Checks the gradients of all weights of a loss [1] that `write` makes.
pub fn check(name: &str, write: impl for<'g> Fn(&Draft<'g>) -> Var<'g>) {
    check_with(name, Training::default(), Checkpointing::None, &[], &write);
}

/// As [`check`], for a graph with inputs, dropout or checkpointing.
pub fn check_with(
    name: &str,
    training: Training,
    keep: Checkpointing,
    inputs: &[(&str, &Tensor)],
    write: &dyn for<'g> Fn(&Draft<'g>) -> Var<'g>,
) {
    let (forward, weights, wanted) = check_stepped(name, (training, keep, SINGLE), inputs, write);
    differences(name, &forward, &weights, inputs, &wanted);
}

/// As [`check_with`] but for finite differences, which a loss with steps in it does not have everywhere; what these need.
/// `single` bounds the error of executors in single precision.
pub fn check_stepped(
    name: &str,
    (training, keep, single): (Training, Checkpointing, f64),
    inputs: &[(&str, &Tensor)],
    write: &dyn for<'g> Fn(&Draft<'g>) -> Var<'g>,
) -> (Arc<Graph>, Vec<Stored>, Vec<Tensor>) {
    let (forward, backward) = both(training, keep, write).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut numbers = Numbers::new(Numbers::seed_of(name));
    let weights: Vec<Stored> = forward.weights.iter().map(|spec| draw(spec, &mut numbers)).collect();
    let wanted = oracle(&forward, &weights, inputs).unwrap_or_else(|error| panic!("{name}: candle: {error}"));
    let wanted = without_noise(&forward, wanted);
    for (spec, gradient) in forward.weights.iter().zip(&wanted).filter(|(spec, _)| !shifts_scores(&spec.name)) {
        let any = gradient.as_f32().unwrap().iter().any(|v| *v != 0.0);
        assert!(any, "{name}: the gradient of {} is zero everywhere", spec.name);
    }
    let executors = std::iter::once(Executor::Reference).chain(Executor::TESTED);
    for executor in executors {
        let bound = if executor == Executor::Reference { 1e-12 } else { single };
        let mut player = Player::new(executor, &backward, &weights, (1, 1)).unwrap();
        let found = player.run(inputs).unwrap_or_else(|error| panic!("{name} on {executor}: {error}"));
        let found: Vec<Tensor> = found.into_iter().zip(&wanted).map(|(found, wanted)| settled(found, wanted)).collect();
        if let Some(difference) = compare(&backward, &found, &wanted, bound) {
            panic!("{name} on {executor}: gradient of {difference:?}, bound {bound:.0e}");
        }
    }
    (forward, weights, wanted)
}

/// Whether a weight adds the same to every key, which adds the same to all scores of a query: it has no gradient.
fn shifts_scores(name: &str) -> bool {
    ["k_proj.bias", "key.bias", "k_lin.bias"].iter().any(|end| name.ends_with(end))
}

/// The gradients with zeros where a weight has none and only rounding is left.
fn without_noise(forward: &Graph, gradients: Vec<Tensor>) -> Vec<Tensor> {
    let largest = |tensor: &Tensor| tensor.as_f32().unwrap().iter().fold(0f32, |most, v| most.max(v.abs()));
    let most = gradients.iter().map(largest).fold(0.0, f32::max);
    let clean = |(spec, gradient): (&graph::WeightSpec, Tensor)| {
        // A rotation by position makes such a bias count.
        let none = shifts_scores(&spec.name) && largest(&gradient) < 1e-9 * most;
        let n = gradient.len();
        if none { Tensor::f32(gradient.shape.clone(), vec![0.0; n]).unwrap() } else { gradient }
    };
    forward.weights.iter().zip(gradients).map(clean).collect()
}

/// What was found, without the rounding of single precision where nothing is wanted.
fn settled(found: Tensor, wanted: &Tensor) -> Tensor {
    let none = wanted.as_f32().unwrap().iter().all(|v| *v == 0.0);
    let small = found.as_f32().unwrap().iter().all(|v| v.abs() < 1e-4);
    if none && small { wanted.clone() } else { found }
}

/// The graph of the loss alone, and that of the gradients, named by their weights.
fn both(
    training: Training,
    keep: Checkpointing,
    write: &dyn for<'g> Fn(&Draft<'g>) -> Var<'g>,
) -> Result<(Arc<Graph>, Arc<Graph>), graph::Error> {
    let forward = Builder::for_training(Taps::none(), training);
    let loss = write(&Draft { g: &forward });
    if forward.result("loss").is_none() {
        forward.output("loss", loss);
    }
    let mut forward = forward.finish()?;
    forward.outputs.retain(|output| output.name == "loss");
    let g = Builder::for_training(Taps::none(), training);
    let loss = write(&Draft { g: &g });
    let declared = g.declared();
    let of = |name: &str| declared.iter().find(|(other, _)| other == name).map(|(_, var)| *var);
    let weights: Vec<Var<'_>> = forward.weights.iter().filter_map(|spec| of(&spec.name)).collect();
    let gradients = g.gradients(loss, &weights, keep);
    for (spec, gradient) in forward.weights.iter().zip(gradients) {
        g.output(spec.name.clone(), gradient);
    }
    let mut backward = g.finish()?;
    backward.outputs.retain(|output| declared.iter().any(|(name, _)| *name == output.name));
    Ok((Arc::new(forward), Arc::new(backward)))
}

/// Parts of the names of products.
const SMALL: [&str; 12] =
    ["proj", "attn", "fc", "dense", "query", "lin1", "lin2", "conv", "Attention.", "DenseReluDense", "mlps.", "_head."];

fn draw(spec: &graph::WeightSpec, numbers: &mut Numbers) -> Stored {
    let n = spec.shape.iter().product();
    // Norms stay near one, products near the size of what they multiply.
    let (mean, spread) = match spec.shape.as_slice() {
        [_] => (1.0, 0.1),
        [_, k] if SMALL.iter().any(|part| spec.name.contains(part)) => (0.0, 1.0 / (*k as f32).sqrt()),
        _ => (0.0, 1.0),
    };
    let data = (0..n).flat_map(|_| (mean + spread * numbers.normal()).to_le_bytes()).collect();
    Stored { name: spec.name.clone(), shape: spec.shape.clone(), ty: QuantType::F32, data }
}

fn loaded(engine: &candle::Engine, weights: &[Stored]) -> candle::Weights {
    let mut held = candle::Weights::default();
    for w in weights {
        engine.insert(&mut held, &w.name, &w.shape, &w.values()).unwrap();
    }
    held
}

fn oracle(forward: &Graph, weights: &[Stored], inputs: &[(&str, &Tensor)]) -> Result<Vec<Tensor>, candle::Error> {
    let engine = candle::Engine::reference();
    engine.gradients(forward, &loaded(&engine, weights), inputs)
}

/// The loss along a random direction, a small step to both sides, must change as the gradients say.
fn differences(name: &str, forward: &Graph, weights: &[Stored], inputs: &[(&str, &Tensor)], gradients: &[Tensor]) {
    const STEP: f32 = 1.0 / 1024.0;
    let engine = candle::Engine::reference();
    let mut numbers = Numbers::new(7);
    let directions: Vec<Vec<f32>> = weights.iter().map(|w| numbers.normals(w.values().len())).collect();
    // Weights are stored in single precision, so the step that was really taken is measured.
    let mut moved = [Vec::new(), Vec::new()];
    let loss = |sign: f32, moved: &mut Vec<Vec<f32>>| {
        let mut held = candle::Weights::default();
        for (w, direction) in weights.iter().zip(&directions) {
            let values: Vec<f32> = w.values().iter().zip(direction).map(|(w, d)| w + sign * STEP * d).collect();
            engine.insert(&mut held, &w.name, &w.shape, &values).unwrap();
            moved.push(values);
        }
        let out = engine.run(forward, &held, None, inputs).unwrap();
        f64::from(out[0].as_f32().unwrap()[0])
    };
    let (up, down) = (loss(1.0, &mut moved[0]), loss(-1.0, &mut moved[1]));
    let (mut predicted, mut scale) = (0.0, 0.0);
    for ((a, b), gradient) in moved[0].iter().zip(&moved[1]).zip(gradients) {
        for ((a, b), g) in a.iter().zip(b).zip(gradient.as_f32().unwrap()) {
            let part = f64::from(*g) * (f64::from(*a) - f64::from(*b));
            predicted += part;
            scale += part * part;
        }
    }
    // The loss itself comes back in single precision.
    let slack = 2e-3 * scale.sqrt() + 4e-7 * (up.abs() + down.abs());
    let error = (up - down - predicted).abs();
    assert!(error <= slack, "{name}: the loss changes by {}, the gradients say {predicted}", up - down);
}
