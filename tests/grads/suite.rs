//! One case: a loss over weights, whose gradients are known three ways.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use dynasty_tests::{Executor, Numbers, Player, Stored};
use format::QuantType;
use graph::{Builder, Checkpointing, Graph, Op, Reduce, Taps, Tensor, Training, Var, WeightSpec, compare};

/// The largest normalised squared error on an executor in single precision.
pub const SINGLE: f64 = 1e-9;

/// The same in double precision. candle's own backward pass knows one constant of GELU to six digits only.
const DOUBLE: f64 = 1e-11;

/// How far weights are moved for differences, in random directions: so little that hardly an activation passes its bend.
const STEP: f32 = 1.0 / (1 << 20) as f32;

/// Gradients in f64 that are smaller than this share of the largest one are rounding.
const NOISE: f32 = 1e-11;

/// The same in single precision.
const SINGLE_NOISE: f32 = 1e-5;

thread_local! {
    static SEEN: RefCell<Vec<Op>> = const { RefCell::new(Vec::new()) };
}

/// The operations of all losses that this thread has played.
pub fn seen() -> Vec<Op> {
    SEEN.take()
}

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

/// How a case is played.
pub struct Case<'a> {
    /// What failures call it.
    pub name: &'a str,
    /// What training adds.
    pub training: Training,
    /// What is computed again.
    pub keep: Checkpointing,
    /// The inputs of the graph.
    pub inputs: &'a [(&'a str, &'a Tensor)],
    /// What is compared with the reference.
    pub executors: &'a [Executor],
    /// The largest error of executors in single precision.
    pub single: f64,
}

/// The values of weights, from the graph that reads them.
pub type Values<'a> = dyn Fn(&Graph) -> Vec<Stored> + 'a;

/// What writes a loss [1].
pub type Write<'a> = dyn for<'g> Fn(&Draft<'g>) -> Var<'g> + 'a;

/// A loss whose gradients are the same on every executor.
pub struct Checked {
    /// The graph of the loss alone.
    pub forward: Arc<Graph>,
    weights: Vec<Stored>,
    /// By weight, zeros where the loss does not depend on it.
    gradients: Vec<Tensor>,
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
    let case = Case { name, training, keep, inputs, executors: &Executor::TESTED, single: SINGLE };
    let checked = case.play(&|graph| drawn(name, graph), write);
    checked.all_learn(name);
    checked.differences(&case);
}

/// Random values of about the size that models have.
pub fn drawn(name: &str, graph: &Graph) -> Vec<Stored> {
    let mut numbers = Numbers::new(Numbers::seed_of(name));
    graph.weights.iter().map(|spec| draw(spec, &mut numbers)).collect()
}

impl Case<'_> {
    /// Compares the gradients of a loss [1] on every executor with candle's own in f64.
    pub fn play(&self, values: &Values<'_>, write: &Write<'_>) -> Checked {
        let name = self.name;
        let forward = self.forward(write).unwrap_or_else(|error| panic!("{name}: {error}"));
        SEEN.with_borrow_mut(|seen| seen.extend(forward.nodes.iter().map(|node| node.op.clone())));
        let weights = values(&forward);
        let known = oracle(&forward, &weights, self.inputs).unwrap_or_else(|error| panic!("{name}: candle: {error}"));
        let learned: Vec<bool> = known.iter().map(Option::is_some).collect();
        let backward = self.backward(&forward, &learned, write).unwrap_or_else(|error| panic!("{name}: {error}"));
        let most = known.iter().flatten().map(largest).fold(0.0, f32::max);
        let gradients = without_noise(&forward, known, most);
        let wanted = gradients.iter().zip(&learned).filter(|(_, learned)| **learned);
        let wanted: Vec<Tensor> = wanted.map(|(gradient, _)| gradient.clone()).collect();
        for executor in std::iter::once(&Executor::Reference).chain(self.executors) {
            let bound = if *executor == Executor::Reference { DOUBLE } else { self.single };
            let mut player = Player::new(*executor, &backward, &weights, (1, 1)).unwrap();
            let found = player.run(self.inputs).unwrap_or_else(|error| panic!("{name} on {executor}: {error}"));
            let found: Vec<Tensor> =
                found.into_iter().zip(&wanted).map(|(found, wanted)| settled(found, wanted, most)).collect();
            if let Some(difference) = compare(&backward, &found, &wanted, bound) {
                panic!("{name} on {executor}: gradient of {difference:?}, bound {bound:.0e}");
            }
        }
        Checked { forward, weights, gradients }
    }

    /// The graph of the loss alone.
    fn forward(&self, write: &Write<'_>) -> Result<Arc<Graph>, graph::Error> {
        let g = Builder::for_training(Taps::none(), self.training);
        let loss = write(&Draft { g: &g });
        if g.result("loss").is_none() {
            g.output("loss", loss);
        }
        let mut forward = g.finish()?;
        forward.outputs.retain(|output| output.name == "loss");
        Ok(Arc::new(forward))
    }

    /// The graph of the gradients of those weights that learn, named by them.
    fn backward(&self, forward: &Graph, learned: &[bool], write: &Write<'_>) -> Result<Arc<Graph>, graph::Error> {
        let g = Builder::for_training(Taps::none(), self.training);
        let loss = write(&Draft { g: &g });
        let declared: BTreeMap<String, Var<'_>> = g.declared().into_iter().collect();
        let learning = forward.weights.iter().zip(learned).filter(|(_, learned)| **learned).map(|(spec, _)| &spec.name);
        let (names, weights): (Vec<&String>, Vec<Var<'_>>) = learning.map(|name| (name, declared[name])).unzip();
        let gradients = g.gradients(loss, &weights, self.keep);
        names.iter().zip(gradients).for_each(|(name, gradient)| g.output((*name).clone(), gradient));
        let mut backward = g.finish()?;
        backward.outputs.retain(|output| declared.contains_key(&output.name));
        Ok(Arc::new(backward))
    }
}

impl Checked {
    /// The weights whose gradient is zero everywhere.
    pub fn without(&self) -> impl Iterator<Item = &str> {
        let named = self.forward.weights.iter().zip(&self.gradients);
        named.filter(|(_, gradient)| largest(gradient) == 0.0).map(|(spec, _)| spec.name.as_str())
    }

    /// The loss along a random direction, a small step to both sides, must change as the gradients say. Where an
    /// activation bends in between, it does not, so other directions may do.
    pub fn differences(&self, case: &Case<'_>) {
        let tried: Vec<String> = (7..10).map_while(|seed| self.differs_along(case, seed)).collect();
        assert!(tried.len() < 3, "{}: the loss changes otherwise than the gradients say: {tried:?}", case.name);
    }

    /// How far the loss changes along a direction, and what the gradients say, if they differ.
    fn differs_along(&self, case: &Case<'_>, seed: u64) -> Option<String> {
        let (mut predicted, mut scale) = (0.0, 0.0);
        let (up, ends) = self.loss_beside(case, seed, STEP);
        let (down, starts) = self.loss_beside(case, seed, -STEP);
        // Weights are stored in single precision, so the step that was really taken is measured.
        for ((end, start), gradient) in ends.iter().zip(&starts).zip(&self.gradients) {
            for ((end, start), g) in end.iter().zip(start).zip(gradient.as_f32().unwrap()) {
                let part = f64::from(*g) * (f64::from(*end) - f64::from(*start));
                predicted += part;
                scale += part * part;
            }
        }
        let (changed, bound) = (up - down, 1e-3 * scale.sqrt());
        let differs = (changed - predicted).abs() > bound;
        differs.then(|| format!("{changed:e}, {predicted:e}, bound {bound:.0e}"))
    }

    /// The loss with every weight moved by `step` times a random direction, and the values of the weights there.
    fn loss_beside(&self, case: &Case<'_>, seed: u64, step: f32) -> (f64, Vec<Vec<f32>>) {
        let (engine, mut held) = (candle::Engine::reference(), candle::Weights::default());
        let mut numbers = Numbers::new(seed);
        let mut moved = |w: &Stored| {
            let values: Vec<f32> = w.values().iter().map(|value| value + step * numbers.normal()).collect();
            engine.insert(&mut held, &w.name, &w.shape, &values).unwrap();
            values
        };
        let moved = self.weights.iter().map(&mut moved).collect();
        (engine.number(&self.forward, &held, case.inputs).unwrap(), moved)
    }

    /// Every weight must have a gradient.
    pub fn all_learn(&self, name: &str) {
        let without: Vec<&str> = self.without().collect();
        assert!(without.is_empty(), "{name}: no gradient reaches {without:?}");
    }
}

fn largest(tensor: &Tensor) -> f32 {
    tensor.as_f32().unwrap().iter().fold(0f32, |most, v| most.max(v.abs()))
}

/// The gradients, the largest value of all being `most`, with zeros where a weight has none and only rounding is left.
fn without_noise(forward: &Graph, gradients: Vec<Option<Tensor>>, most: f32) -> Vec<Tensor> {
    let clean = |(spec, gradient): (&WeightSpec, Option<Tensor>)| {
        let zeros = || Tensor::f32(spec.shape.clone(), vec![0.0; spec.shape.iter().product()]).unwrap();
        gradient.filter(|gradient| largest(gradient) > NOISE * most).unwrap_or_else(zeros)
    };
    forward.weights.iter().zip(gradients).map(clean).collect()
}

/// What was found, without the rounding of single precision where nothing is wanted.
fn settled(found: Tensor, wanted: &Tensor, most: f32) -> Tensor {
    let none = largest(wanted) == 0.0 && largest(&found) < SINGLE_NOISE * most;
    if none { wanted.clone() } else { found }
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

fn oracle(
    forward: &Graph,
    weights: &[Stored],
    inputs: &[(&str, &Tensor)],
) -> Result<Vec<Option<Tensor>>, candle::Error> {
    let engine = candle::Engine::reference();
    engine.gradients(forward, &loaded(&engine, weights), inputs)
}
